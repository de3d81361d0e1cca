// The menu of a run in the list: go on with it, run a step with its values, load them into the kernel, look at what its steps left.
import { MenuSvg } from '@jupyterlab/ui-components';
import type { RunSummary } from '@sluice/core';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import type { Menu } from '@lumino/widgets';
import { hasInputs } from '../cells/menu';
import type { PipelineModel } from '../pipelineModel';
import { CommandIds } from '../tokens';
import { hasOutcome, isActive, isResumable } from '../words';

let menu: Menu | undefined;

export interface PastRunMenuOptions {
  readonly pipeline: PipelineModel;
  readonly commands: CommandRegistry;
  readonly run: RunSummary;
  /** what has the focus before and after */
  readonly anchor: HTMLElement;
  /** where it opens, in the page; else below the anchor, with its first entry active, as for those who came by keyboard */
  readonly at?: { readonly x: number; readonly y: number };
}

export function openPastRunMenu({ pipeline, commands, run, anchor, at }: PastRunMenuOptions): void {
  menu?.dispose();
  const opened = (menu = new MenuSvg({ commands }));
  opened.addClass('jp-Sluice-menu');
  for (const entries of groupsOf(run, pipeline, commands).filter(group => group.length > 0)) {
    if (opened.items.length > 0) opened.addItem({ type: 'separator' });
    for (const entry of entries) opened.addItem(entry);
  }
  opened.aboutToClose.connect(() => anchor.focus({ preventScroll: true }));
  const { left, bottom } = anchor.getBoundingClientRect();
  opened.open(at?.x ?? left, at?.y ?? bottom);
  if (!at) opened.activateNextItem();
}

function groupsOf(
  run: RunSummary,
  pipeline: PipelineModel,
  commands: CommandRegistry
): readonly (readonly Menu.IItemOptions[])[] {
  const { trans } = pipeline;
  if (isActive(run.state)) return [[{ command: CommandIds.cancelRun, args: { isMenu: true } }]];
  const names = (pipeline.pipeline?.steps ?? []).map(step => step.name);
  const runnable = names.filter(name => hasInputs(pipeline, run, name));
  const ended = run.steps.filter(step => hasOutcome(step.state));
  const given = ended.filter(step => step.state !== 'failed');
  const toSubmenu = (
    label: string,
    command: string,
    steps: readonly string[],
    args: ReadonlyPartialJSONObject
  ): readonly Menu.IItemOptions[] => {
    if (steps.length === 0) return [];
    const submenu = new MenuSvg({ commands });
    submenu.title.label = label;
    for (const step of steps) submenu.addItem({ command, args: { isMenu: true, ...args, step, label: step } });
    return [{ type: 'submenu', submenu }];
  };
  const resume = { resume: run.id };
  const of = { run: run.id };
  return [
    isResumable(run) ? [{ command: CommandIds.resumeRun, args: { isMenu: true, ...of } }] : [],
    [
      ...toSubmenu(trans.__('Run Only, With Its Values'), CommandIds.runOnly, runnable, resume),
      ...toSubmenu(trans.__('Run From, With Its Values'), CommandIds.runFrom, runnable, resume)
    ],
    [
      ...toSubmenu(trans.__('Load Values Into the Kernel, After'), CommandIds.loadValues, toNames(given), of),
      ...toSubmenu(trans.__('Open the Executed Cells of'), CommandIds.openOutputs, toNames(ended), of)
    ]
  ];
}

function toNames(steps: readonly { readonly name: string }[]): readonly string[] {
  return steps.map(step => step.name);
}
