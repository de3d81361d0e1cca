// Changes of a notebook's tags, of its pipeline's name and of where it runs, each in one undoable transaction. What the tags become is core's to say.
import { renamedStep, withoutRole, withRole, withStep, type Role } from '@sluice/core';
import type { PartialJSONObject } from '@lumino/coreutils';
import type { PipelineModel } from './pipelineModel';

export function makeStep(pipeline: PipelineModel, cell: number, name: string): void {
  changeTags(pipeline, tags => withStep(tags, name), [cell]);
}

export function markCells(pipeline: PipelineModel, cells: readonly number[], role: Role): void {
  changeTags(pipeline, tags => withRole(tags, role), cells);
}

export function joinStepAbove(pipeline: PipelineModel, cells: readonly number[]): void {
  changeTags(pipeline, withoutRole, cells);
}

/** The step's own tags, and every `prev:` that names it. */
export function renameStep(pipeline: PipelineModel, from: string, to: string): void {
  changeTags(pipeline, tags => renamedStep(tags, from, to));
}

export function setPipelineName(pipeline: PipelineModel, name: string): void {
  changeMetadata(pipeline, object => ({ ...object, name }));
}

/** Where the pipeline runs; undefined: on this computer. */
export function setRunner(pipeline: PipelineModel, runner: string | undefined): void {
  changeMetadata(pipeline, object => {
    const after = { ...object };
    if (runner === undefined) delete after['runner'];
    else after['runner'] = runner;
    return after;
  });
}

function changeMetadata(pipeline: PipelineModel, change: (object: PartialJSONObject) => PartialJSONObject): void {
  const { sharedModel } = pipeline.panel.model!;
  const before = sharedModel.getMetadata('sluice');
  const isObject = typeof before === 'object' && before !== null && !Array.isArray(before);
  const after = change(isObject ? before : { version: 1 });
  pipeline.change(
    () => sharedModel.setMetadata('sluice', after),
    () => (before === undefined ? sharedModel.deleteMetadata('sluice') : sharedModel.setMetadata('sluice', before))
  );
}

/** Give each cell in the map its tags, all at once. */
export function setTags(pipeline: PipelineModel, tags: ReadonlyMap<number, readonly string[]>): void {
  const changes = [...tags].filter(([cell, now]) => !isSame(now, pipeline.notebook.cells[cell]?.tags ?? []));
  if (changes.length === 0) return;
  const { sharedModel } = pipeline.panel.model!;
  const write = (): void => {
    for (const [index, now] of changes) {
      const cell = sharedModel.cells[index]!;
      if (now.length === 0) cell.deleteMetadata('tags');
      else cell.setMetadata('tags', [...now]);
    }
  };
  // A change of one cell goes into that cell's own history, in its order among the edits of its text.
  const owner = changes.length === 1 ? sharedModel.cells[changes[0]![0]]! : sharedModel;
  pipeline.change(
    () => {
      separate(owner);
      owner.transact(write, true);
      separate(owner);
    },
    () => owner.undo(),
    () => owner.redo()
  );
}

function changeTags(
  pipeline: PipelineModel,
  change: (tags: readonly string[]) => readonly string[],
  cells: readonly number[] = pipeline.notebook.cells.map(cell => cell.index)
): void {
  pipeline.refresh();
  const code = cells.filter(cell => pipeline.notebook.cells[cell]?.type === 'code');
  setTags(pipeline, new Map(code.map(cell => [cell, change(pipeline.notebook.cells[cell]!.tags)])));
}

// Yjs folds changes that follow each other within half a second into one: typing and tagging must stay apart.
function separate(owner: object): void {
  const { undoManager } = owner as { readonly undoManager?: { stopCapturing(): void } | null };
  undoManager?.stopCapturing();
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((tag, i) => tag === b[i]);
}
