// Changes of a notebook's tags, of its pipeline's name and of where it runs, each in one undoable transaction. What the tags become is core's to say.
import { importKale, renamedStep, withoutRole, withRole, withStep, type Role, type StepSpec } from '@sluice/core';
import type { PartialJSONObject, PartialJSONValue } from '@lumino/coreutils';
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

/** The variables, secrets and volumes that all steps are given; other settings stay as they are written. */
export function setGiven(pipeline: PipelineModel, { env, secrets, volumes }: StepSpec): void {
  changeMetadata(pipeline, object => {
    const { defaults: written } = object;
    const isObject = typeof written === 'object' && written !== null && !Array.isArray(written);
    const defaults: PartialJSONObject = isObject ? { ...written } : {};
    for (const [key, value] of Object.entries({ env, secrets, volumes }))
      if (value === undefined) delete defaults[key];
      else defaults[key] = value as PartialJSONValue;
    return { ...object, defaults };
  });
}

function changeMetadata(pipeline: PipelineModel, change: (object: PartialJSONObject) => PartialJSONObject): void {
  const before = pipeline.panel.model!.sharedModel.getMetadata('sluice');
  const isObject = typeof before === 'object' && before !== null && !Array.isArray(before);
  const { act, undo } = metadataEdit(pipeline, { sluice: change(isObject ? before : { version: 1 }) });
  pipeline.change(act, undo);
}

/** Give each cell in the map its tags, all at once. */
export function setTags(pipeline: PipelineModel, tags: ReadonlyMap<number, readonly string[]>): void {
  const edit = tagEdit(pipeline, tags);
  if (edit) pipeline.change(edit.act, edit.undo, edit.redo);
}

/** Kale's settings in Sluice's words, and its old tags in the new ones. Gives a sentence for each thing that is not kept. */
export function takeOverKale(pipeline: PipelineModel): readonly string[] {
  pipeline.refresh();
  const json = pipeline.panel.model!.sharedModel.toJSON() as unknown as Readonly<Record<string, unknown>>;
  const { notebooks, notes } = importKale(json, pipeline.outline.name);
  const taken = notebooks[0]!.notebook as {
    readonly metadata: { readonly sluice: PartialJSONObject };
    readonly cells: readonly { readonly metadata?: { readonly tags?: readonly string[] } }[];
  };
  const tags = tagEdit(pipeline, new Map(taken.cells.map((cell, index) => [index, cell.metadata?.tags ?? []])));
  const metadata = metadataEdit(pipeline, { kubeflow_notebook: undefined, sluice: taken.metadata.sluice });
  pipeline.change(
    () => {
      tags?.act();
      metadata.act();
    },
    () => {
      tags?.undo();
      metadata.undo();
    },
    () => {
      tags?.redo();
      metadata.act();
    }
  );
  return notes;
}

interface Edit {
  readonly act: () => void;
  readonly undo: () => void;
}

/** Entries of the notebook's metadata; undefined takes one away. */
function metadataEdit(pipeline: PipelineModel, after: Readonly<Record<string, PartialJSONObject | undefined>>): Edit {
  const { sharedModel } = pipeline.panel.model!;
  const before = Object.fromEntries(Object.keys(after).map(key => [key, sharedModel.getMetadata(key)]));
  const write = (values: Readonly<Record<string, PartialJSONValue | undefined>>): void => {
    for (const [key, value] of Object.entries(values))
      if (value === undefined) sharedModel.deleteMetadata(key);
      else sharedModel.setMetadata(key, value);
  };
  return { act: () => write(after), undo: () => write(before) };
}

/** Undefined where no cell changes. */
function tagEdit(
  pipeline: PipelineModel,
  tags: ReadonlyMap<number, readonly string[]>
): (Edit & { readonly redo: () => void }) | undefined {
  const changes = [...tags].filter(([cell, now]) => !isSame(now, pipeline.notebook.cells[cell]?.tags ?? []));
  if (changes.length === 0) return undefined;
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
  return {
    act: () => {
      separate(owner);
      owner.transact(write, true);
      separate(owner);
    },
    undo: () => owner.undo(),
    redo: () => owner.redo()
  };
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
