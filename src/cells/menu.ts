// The menu of a cell, on its chip, in its toolbar and on the Menu key alike: what the cell is to the pipeline, and what may be run from here.
// One key each: the labels' mnemonics.
import { MenuSvg } from '@jupyterlab/ui-components';
import type { RunSummary } from '@sluice/core';
import type { CommandRegistry } from '@lumino/commands';
import type { Menu } from '@lumino/widgets';
import type { PipelineModel } from '../pipelineModel';
import { CommandIds } from '../tokens';
import { describePastRun, isActive } from '../words';

let menu: Menu | undefined;

const roleEntries: readonly (string | undefined)[] = [
  CommandIds.makeStep,
  CommandIds.joinStepAbove,
  CommandIds.renameStep,
  CommandIds.editSettings,
  undefined,
  CommandIds.markImports,
  CommandIds.markFunctions,
  CommandIds.markParameters,
  CommandIds.markMetrics,
  CommandIds.markSkip,
  undefined,
  CommandIds.runPipeline,
  CommandIds.runOnly,
  CommandIds.runFrom,
  CommandIds.runTo
];

const pastEntries: readonly (string | undefined)[] = [
  CommandIds.resumeRun,
  undefined,
  CommandIds.openOutputs,
  CommandIds.loadValues
];

/** All that are always there, in their order. */
export const menuEntries: readonly (string | undefined)[] = [...roleEntries, ...pastEntries];

export function openCellMenu(pipeline: PipelineModel, commands: CommandRegistry, anchor: Element): void {
  menu?.dispose();
  menu = new MenuSvg({ commands });
  menu.addClass('jp-Sluice-menu');
  addEntries(menu, roleEntries);
  addPastRuns(menu, pipeline, commands);
  addEntries(menu, pastEntries);
  const { left, bottom } = anchor.getBoundingClientRect();
  menu.open(left, bottom);
}

function addEntries(to: Menu, entries: readonly (string | undefined)[]): void {
  for (const command of entries) to.addItem(command ? { command, args: { isMenu: true } } : { type: 'separator' });
}

/** Where there is a choice: running the step with the values of a run that is not the newest. */
export function addPastRuns(
  to: Menu,
  pipeline: PipelineModel,
  commands: CommandRegistry,
  step = stepOf(pipeline)
): void {
  const { trans } = pipeline;
  const runs = step === undefined ? [] : runsWithInputs(pipeline, step);
  if (step === undefined || runs.length === 0) return;
  for (const [command, label] of [
    [CommandIds.runOnly, trans.__('Run Only ‘%1’ With Values Of', step)],
    [CommandIds.runFrom, trans.__('Run From ‘%1’ With Values Of', step)]
  ] as const) {
    const submenu = new MenuSvg({ commands });
    submenu.title.label = label;
    for (const run of runs) {
      const args = { isMenu: true, step, resume: run.id, label: describePastRun(run, trans) };
      submenu.addItem({ command, args });
    }
    to.addItem({ type: 'submenu', submenu });
  }
}

const mostRuns = 10;

function runsWithInputs(pipeline: PipelineModel, step: string): readonly RunSummary[] {
  return pipeline.runs.all.filter(run => hasInputs(pipeline, run, step)).slice(0, mostRuns);
}

/** Whether the run has what the step needs from others; no run has it for a step that needs nothing. */
export function hasInputs(model: PipelineModel, run: RunSummary, step: string): boolean {
  return stepsBefore(model, step).length > 0 && !isActive(run.state) && hasValuesFor(model, run, step);
}

function stepsBefore({ pipeline }: PipelineModel, step: string): readonly string[] {
  return pipeline?.steps.find(other => other.name === step)?.after ?? [];
}

/** Whether the steps from which the step takes something gave it in that run. */
export function hasValuesFor(model: PipelineModel, run: RunSummary, step: string): boolean {
  const hasValues = (name: string): boolean =>
    run.steps.some(other => other.name === name && (other.state === 'succeeded' || other.state === 'cached'));
  return stepsBefore(model, step).every(hasValues);
}

function stepOf({ outline, panel }: PipelineModel): string | undefined {
  const role = outline.roles[panel.content.activeCellIndex];
  return role && 'step' in role ? role.step : undefined;
}
