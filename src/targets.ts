// What a command is meant for: the notebook in front, and of it the cells or the step that the caller names, else the selected ones.
import type { Role, RunSummary } from '@sluice/core';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import type { PipelineModel } from './pipelineModel';
import type { Pipelines } from './pipelines';

export type Arguments = ReadonlyPartialJSONObject;

export function withCurrent(pipelines: Pipelines, act: (pipeline: PipelineModel) => void): void {
  const pipeline = pipelines.current;
  if (!pipeline) return;
  act(pipeline);
  // A menu leaves the focus nowhere; the next key, Ctrl+Z say, belongs to the cell.
  const { activeElement, body } = document;
  if (activeElement === null || activeElement === body)
    pipeline.panel.content.activeCell?.node.focus({ preventScroll: true });
}

export function canRun(pipeline: PipelineModel | undefined): boolean {
  return !!pipeline && !pipeline.obstacle && !pipeline.runs.active && !pipeline.runs.isSubmitting;
}

/** Indices of the code cells that a command is meant for. */
export function selectedCells(pipeline: PipelineModel | undefined, args: Arguments): readonly number[] {
  if (!pipeline) return [];
  const { content } = pipeline.panel;
  const isCode = (index: number): boolean => content.widgets[index]?.model.type === 'code';
  if (typeof args['cell'] === 'number') return isCode(args['cell']) ? [args['cell']] : [];
  return content.widgets.flatMap((cell, index) => (content.isSelectedOrActive(cell) && isCode(index) ? [index] : []));
}

export function stepOf(pipeline: PipelineModel | undefined, args: Arguments): string | undefined {
  if (typeof args['step'] === 'string') return args['step'];
  const role = pipeline?.outline.roles[selectedCells(pipeline, args)[0] ?? -1];
  return role && 'step' in role ? role.step : undefined;
}

/** `{run: id}`, else the run that is shown. */
export function runOf(pipeline: PipelineModel | undefined, args: Arguments): RunSummary | undefined {
  const { runs } = pipeline ?? {};
  return typeof args['run'] === 'string' ? runs?.all.find(run => run.id === args['run']) : runs?.shown;
}

/** What a menu calls the command where its place there says the rest. */
export function labelOf(args: Arguments): string | undefined {
  return typeof args['label'] === 'string' ? args['label'] : undefined;
}

export function hasRole(pipeline: PipelineModel | undefined, cell: number, role: Role): boolean {
  return pipeline?.outline.roles[cell]?.kind === role;
}
