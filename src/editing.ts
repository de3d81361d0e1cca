// Changes of a notebook's tags, of its pipeline's name and of where it runs, each in one undoable transaction. What the tags become is core's to say.
import { importKale, renamedStep, withoutRole, withRole, withStep, type Role, type StepSpec } from '@sluice/core';
import type { PartialJSONObject, PartialJSONValue } from '@lumino/coreutils';
import type { PipelineModel } from './pipelineModel';
import { snapshotsKey, withPlace, withPolicy, withRunner } from './placeSettings';
import { toObject } from './stepSettings';

export function makeStep(pipeline: PipelineModel, cell: number, name: string): void {
  changeTags(pipeline, tags => withStep(tags, name), [cell]);
}

export function markCells(pipeline: PipelineModel, cells: readonly number[], role: Role): void {
  changeTags(pipeline, tags => withRole(tags, role), cells);
}

export function joinStepAbove(pipeline: PipelineModel, cells: readonly number[]): void {
  changeTags(pipeline, withoutRole, cells);
}

/** The step's own tags, every `prev:` that names it, and its settings. */
export function renameStep(pipeline: PipelineModel, from: string, to: string): void {
  pipeline.refresh();
  const { cells, metadata } = pipeline.notebook;
  const tags = tagEdit(
    pipeline,
    new Map(codeCells(pipeline).map(cell => [cell, renamedStep(cells[cell]!.tags, from, to)]))
  );
  const ours = toObject(metadata.sluice);
  const steps = toObject(ours['steps']);
  const { [from]: settings, ...others } = steps;
  const renamed = { ...ours, steps: { ...others, [to]: { ...toObject(settings), ...toObject(steps[to]) } } };
  changeTogether(pipeline, tags, settings === undefined ? undefined : metadataEdit(pipeline, { sluice: renamed }));
}

export function setPipelineName(pipeline: PipelineModel, name: string): void {
  changeMetadata(pipeline, object => ({ ...object, name }));
}

/** Where the pipeline runs; undefined: on this computer. What the notebook says of a cluster stays. */
export function setRunner(pipeline: PipelineModel, runner: string | undefined): void {
  changeMetadata(pipeline, object => withEntry(object, 'runner', withRunner(object['runner'], runner)));
}

/** One thing that the notebook says of the cluster that it runs on; undefined takes it away. */
export function setPlace(pipeline: PipelineModel, key: string, value: string | undefined): void {
  changeMetadata(pipeline, object =>
    key === snapshotsKey
      ? withEntry(object, key, withPolicy(object[key], value))
      : withEntry(object, 'runner', withPlace(object['runner'], key, value))
  );
}

/** One setting of a step, or of all steps where none is named; undefined takes it away. */
export function setSetting(
  pipeline: PipelineModel,
  step: string | undefined,
  key: string,
  value: PartialJSONValue | undefined
): void {
  const withSetting = (settings: PartialJSONObject): PartialJSONObject => withEntry(settings, key, value);
  changeMetadata(pipeline, object => {
    if (step === undefined) return withObject(object, 'defaults', withSetting(toObject(object['defaults'])));
    const steps = toObject(object['steps']);
    return withObject(object, 'steps', withObject(steps, step, withSetting(toObject(steps[step]))));
  });
}

/** The variables, secrets and volumes that all steps are given; other settings stay as they are written. */
export function setGiven(pipeline: PipelineModel, { env, secrets, volumes }: StepSpec): void {
  changeMetadata(pipeline, object => {
    let defaults = toObject(object['defaults']);
    for (const [key, value] of Object.entries({ env, secrets, volumes }))
      defaults = withEntry(defaults, key, value as PartialJSONValue | undefined);
    return withObject(object, 'defaults', defaults);
  });
}

function withEntry(object: PartialJSONObject, key: string, value: PartialJSONValue | undefined): PartialJSONObject {
  const entries = Object.entries(object).filter(([name]) => name !== key);
  return Object.fromEntries(value === undefined ? entries : [...entries, [key, value]]);
}

/** An empty one is left out. */
function withObject(object: PartialJSONObject, key: string, value: PartialJSONObject): PartialJSONObject {
  return withEntry(object, key, Object.keys(value).length === 0 ? undefined : value);
}

function changeMetadata(pipeline: PipelineModel, change: (object: PartialJSONObject) => PartialJSONObject): void {
  const before = pipeline.panel.model!.sharedModel.getMetadata('sluice');
  const { act, undo } = metadataEdit(pipeline, { sluice: change({ version: 1, ...toObject(before) }) });
  pipeline.change(act, undo);
}

/** Give each cell in the map its tags, all at once. */
export function setTags(pipeline: PipelineModel, tags: ReadonlyMap<number, readonly string[]>): void {
  const edit = tagEdit(pipeline, tags);
  if (edit) pipeline.change(edit.act, edit.undo, edit.redo);
}

/** What came of taking over: a sentence for each thing that is not kept, and the way back, which stays right after other edits. */
export interface TakenOver {
  readonly notes: readonly string[];
  readonly giveBack: () => void;
}

/** Kale's settings in Sluice's words, and its old tags in the new ones. */
export function takeOverKale(pipeline: PipelineModel): TakenOver {
  pipeline.refresh();
  const { sharedModel } = pipeline.panel.model!;
  const json = sharedModel.toJSON() as unknown as Readonly<Record<string, unknown>>;
  const { notebooks, notes } = importKale(json, pipeline.outline.name);
  const taken = notebooks[0]!.notebook as {
    readonly metadata: { readonly sluice: PartialJSONObject };
    readonly cells: readonly { readonly metadata?: { readonly tags?: readonly string[] } }[];
  };
  const before = {
    kubeflow_notebook: sharedModel.getMetadata('kubeflow_notebook') as PartialJSONObject,
    sluice: sharedModel.getMetadata('sluice') as PartialJSONObject | undefined
  };
  const changed = taken.cells.flatMap((cell, index) => {
    const [was, now] = [pipeline.notebook.cells[index]!.tags, cell.metadata?.tags ?? []];
    return isSame(was, now) ? [] : [{ id: sharedModel.cells[index]!.id, was, now }];
  });
  changeTogether(
    pipeline,
    tagEdit(pipeline, new Map(taken.cells.map((cell, index) => [index, cell.metadata?.tags ?? []]))),
    metadataEdit(pipeline, { kubeflow_notebook: undefined, sluice: taken.metadata.sluice })
  );
  const giveBack = (): void => {
    pipeline.refresh();
    // Cells may have moved or gone meanwhile, or have been given other tags, which stay.
    const tags = sharedModel.cells.flatMap((cell, index) => {
      const one = changed.find(({ id }) => id === cell.id);
      const stands = one !== undefined && isSame(one.now, pipeline.notebook.cells[index]!.tags);
      return stands ? [[index, one.was] as const] : [];
    });
    changeTogether(pipeline, tagEdit(pipeline, new Map(tags)), metadataEdit(pipeline, before));
  };
  return { notes, giveBack };
}

/** A change of tags and one of metadata, taken back by one Undo. */
function changeTogether(pipeline: PipelineModel, tags: TagEdit | undefined, metadata: Edit | undefined): void {
  if (!tags && !metadata) return;
  pipeline.change(
    () => {
      tags?.act();
      metadata?.act();
    },
    () => {
      tags?.undo();
      metadata?.undo();
    },
    () => {
      tags?.redo();
      metadata?.act();
    }
  );
}

interface Edit {
  readonly act: () => void;
  readonly undo: () => void;
}

interface TagEdit extends Edit {
  readonly redo: () => void;
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
function tagEdit(pipeline: PipelineModel, tags: ReadonlyMap<number, readonly string[]>): TagEdit | undefined {
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
  cells: readonly number[]
): void {
  pipeline.refresh();
  const code = codeCells(pipeline).filter(cell => cells.includes(cell));
  setTags(pipeline, new Map(code.map(cell => [cell, change(pipeline.notebook.cells[cell]!.tags)])));
}

function codeCells({ notebook }: PipelineModel): readonly number[] {
  return notebook.cells.filter(({ type }) => type === 'code').map(({ index }) => index);
}

// Yjs folds changes that follow each other within half a second into one: typing and tagging must stay apart.
function separate(owner: object): void {
  const { undoManager } = owner as { readonly undoManager?: { stopCapturing(): void } | null };
  undoManager?.stopCapturing();
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((tag, i) => tag === b[i]);
}
