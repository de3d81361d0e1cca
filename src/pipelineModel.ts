// The pipeline of one open notebook, as the views paint it: its outline and analysis, kept right while people type, its parameters as set for the next run, and its runs.
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import { VDomModel } from '@jupyterlab/ui-components';
import {
  outlineNotebook,
  type Analyzer,
  type CellRange,
  type Diagnostic,
  type JsonValue,
  type Notebook,
  type Outline,
  type Pipeline,
  type RunState,
  type RunSummary,
  type ModulesRequest,
  type StepRun,
  type SubmitRequest
} from '@sluice/core';
import { Signal, type ISignal } from '@lumino/signaling';
import { loadAnalyzer } from './analyzer';
import type { Client } from './client';
import { FreshnessModel } from './freshness';
import { EditHistory } from './history';
import { haveSameCells, haveSameMetadata, readLiveNotebook } from './live';
import { NoticeModel } from './notice';
import { readPlace, type Place } from './placeSettings';
import { localRunner, readRunner } from './runners';
import { RunsModel } from './runs';
import { ModulesModel } from './modules';
import { VerifyModel } from './verifying';

/** Fast enough to feel live, slow enough that a burst of changes is read once. */
const analysisDelayMs = 40;

export class PipelineModel extends VDomModel {
  readonly runs: RunsModel;
  readonly history: EditHistory;
  readonly verifying: VerifyModel;
  readonly freshness: FreshnessModel;
  readonly notices = new NoticeModel();

  constructor(
    readonly panel: NotebookPanel,
    client: Client,
    private readonly contents: Contents.IManager,
    readonly trans: TranslationBundle
  ) {
    super();
    this.runs = new RunsModel(client, () => this.path);
    this.freshness = new FreshnessModel(client, () => this.toFreshnessRequest());
    this.history = new EditHistory(panel);
    this.verifying = new VerifyModel(client, trans);
    this._notebook = this.read();
    this._outline = outlineNotebook(this._notebook);
    this._modules = new ModulesModel(client, () => this.toModulesRequest());
    this._modules.changed.connect(() => this.analyze());
    panel.content.modelContentChanged.connect(this.onContentChanged, this);
    panel.content.activeCellChanged.connect(() => this.chooseStep(undefined), this);
    panel.context.pathChanged.connect(this.onPathChanged, this);
    panel.context.saveState.connect((_, state) => state === 'completed' && this._modules.askAnew(), this);
    this.runs.runEnded.connect(() => this.freshness.askAnew(), this);
    void this.runs.refresh().then(() => this.freshness.askSoon());
    void this.prepareAnalyzer();
  }

  /** Emitted after the outline or the pipeline has changed. */
  get analysisChanged(): ISignal<this, void> {
    return this._analysisChanged;
  }

  /** The path that the server knows the notebook by, without a drive's name. */
  get path(): string {
    return this.contents.localPath(this.panel.context.path);
  }

  get notebook(): Notebook {
    return this._notebook;
  }

  get outline(): Outline {
    return this._outline;
  }

  /** Undefined until the parser is there. */
  get pipeline(): Pipeline | undefined {
    return this._pipeline;
  }

  /** The analyzer's findings where it is there, else those of the tags alone. That there are no steps yet is no problem to show. */
  get diagnostics(): readonly Diagnostic[] {
    const found = (this._pipeline ?? this._outline).diagnostics.filter(diagnostic => diagnostic.code !== 'no-steps');
    return this._problem ? [this._problem, ...found] : found;
  }

  /** Broken parts of cells that count as they were when they were read last. */
  get stale(): readonly CellRange[] {
    return this._stale;
  }

  /** Values that differ from the notebook's for the next run. */
  get changedParameters(): ReadonlyMap<string, JsonValue> {
    return this._changedParameters;
  }

  /** What is wrong with a parameter as typed, by its name. */
  get parameterProblems(): ReadonlyMap<string, string> {
    return this._parameterProblems;
  }

  setParameter(name: string, value: JsonValue | undefined): void {
    this._parameterProblems.delete(name);
    if (value === undefined) this._changedParameters.delete(name);
    else this._changedParameters.set(name, value);
    this.freshness.askSoon();
    this.stateChanged.emit();
  }

  setParameterProblem(name: string, problem: string): void {
    this._parameterProblems.set(name, problem);
    this.stateChanged.emit();
  }

  /** The step that was chosen last: in the panel, or by the notebook's active cell. */
  get chosenStep(): string | undefined {
    if (this._outline.steps.some(step => step.name === this._chosenStep)) return this._chosenStep;
    const role = this._outline.roles[this.panel.content.activeCellIndex];
    return role && 'step' in role ? role.step : undefined;
  }

  /** Choose a step until another cell becomes the active one. */
  chooseStep(step: string | undefined): void {
    this._chosenStep = step;
  }

  /** The step whose settings are to be opened in the panel, until they are. */
  get settingsWanted(): string | undefined {
    return this._settingsWanted;
  }

  wantSettings(step: string | undefined): void {
    this._settingsWanted = step;
    this.stateChanged.emit();
  }

  /** Why the pipeline cannot be run now, in one sentence; undefined where it can. */
  get obstacle(): string | undefined {
    const { trans } = this;
    if (this._outline.steps.length === 0) return trans.__('The notebook has no step yet. Make a cell a step first.');
    const errors = this.diagnostics.filter(diagnostic => diagnostic.severity === 'error');
    if (errors.length === 1) return errors[0]!.message;
    if (errors.length > 1)
      return trans.__('%1 errors stand in the way; the first: %2', errors.length, errors[0]!.message);
    const [problem] = this._parameterProblems.values();
    return problem;
  }

  /** Where the notebook wants to run. */
  get runner(): string {
    return readRunner(this._notebook.metadata);
  }

  /** What it says of where that is. */
  get place(): Place {
    return readPlace(this._notebook.metadata);
  }

  /** Submit the notebook as it stands in the editor: the whole pipeline, or that part of it. */
  async run(part: Pick<SubmitRequest, 'selection' | 'resume' | 'cache'> = {}): Promise<void> {
    this.refresh();
    const submitted: Submitted = {
      sources: new Map(this._outline.steps.map(step => [step.name, this.sourceOf(step.name)])),
      cells: this._notebook.cells.map(cell => cell.id)
    };
    // chosen steps with the values of a run take its parameters, too, whatever is set for the next run of the whole
    const takesAll = part.resume !== undefined && part.selection !== undefined;
    const run = await this.runs.submit({
      ...part,
      ...(takesAll ? this.toSubmit() : this.toRunRequest()),
      ...this.toRunner(part.resume)
    });
    if (run !== undefined) this._submitted.set(run, submitted);
  }

  /** Values of a run are where it ran, wherever the notebook wants to run now. */
  private toRunner(resume: string | undefined): Pick<SubmitRequest, 'runner' | 'target'> {
    const past = this.runs.all.find(run => run.id === resume);
    if (past === undefined || past.runner === this.runner)
      return this.runner === localRunner ? {} : { runner: this.runner };
    return { runner: past.runner, ...(past.remote && { target: past.remote.place }) };
  }

  /** Compare what the pipeline does with what the notebook does, both with the parameters' own values. */
  async verify(): Promise<void> {
    this.refresh();
    await this.verifying.start(this.toSubmit(), this._notebook);
    if (!this.isDisposed) await this.runs.refresh();
  }

  /** The notebook with the parameters as they are set for the next run. */
  private toRunRequest(): SubmitRequest {
    const known = new Set(this._pipeline?.parameters.map(parameter => parameter.name));
    const parameters = Object.fromEntries([...this._changedParameters].filter(([name]) => known.has(name)));
    return { ...this.toSubmit(), parameters };
  }

  private toFreshnessRequest(): SubmitRequest | undefined {
    if (this.isDisposed || !this.panel.model || this.runs.active || this.obstacle !== undefined) return undefined;
    // Each place has a cache of its own; ours knows of this computer's.
    return this.runs.all.length === 0 || this.runner !== localRunner ? undefined : this.toRunRequest();
  }

  private toModulesRequest(): Omit<ModulesRequest, 'stars' | 'imports'> {
    const { kernel } = this._notebook;
    return { notebook: this.path, ...(kernel === undefined ? {} : { kernel }) };
  }

  /** The notebook as it stands in the editor, with its parameters' own values. */
  toSubmit(): SubmitRequest {
    return { notebook: this.path, content: withoutOutputs(this.panel.model!.toJSON()) };
  }

  /** Whether the step's cells differ from what that run ran; known for runs that this page has submitted. */
  isEditedSince(run: string, step: string): boolean {
    const source = this._submitted.get(run)?.sources.get(step);
    return source !== undefined && source !== this.sourceOf(step);
  }

  /**
   * Whether outputs of the run may bring scripts along, as in the notebook itself: the user has run this code from this page, or
   * trusts the notebook. Records may have come with somebody else's folder.
   */
  areOutputsTrusted(run: string): boolean {
    const cells = this.panel.model?.cells ?? [];
    return this._submitted.has(run) || [...cells].every(cell => cell.type !== 'code' || cell.trusted);
  }

  /**
   * The run since which the step has changed: its own cells, or something else that its outcome depends on. Undefined while it is as it
   * was, for a step that never ran or failed the last time, and for one that was canceled as it is now.
   */
  changedSince(step: string): { readonly run: RunSummary; readonly reason: string | undefined } | undefined {
    if (this.runs.active) return undefined;
    const stateIn = ({ steps }: RunSummary): RunState | undefined => steps.find(({ name }) => name === step)?.state;
    const [newest] = this.runs.all;
    if (newest && stateIn(newest) === 'canceled' && !this.isEditedSince(newest.id, step)) return undefined;
    const run = this.runs.all.find(other => !['skipped', 'canceled', undefined].includes(stateIn(other)));
    if (!run || stateIn(run) === 'failed') return undefined;
    if (!this.isStale(step) && !this.isEditedSince(run.id, step)) return undefined;
    return { run, reason: this.freshness.of(step)?.reason };
  }

  // A step runs anew, too, after one that never comes from cache; but that is no change.
  private isStale(step: string): boolean {
    if (this.freshness.of(step)?.state !== 'stale') return false;
    const after = this._pipeline?.steps.find(({ name }) => name === step)?.after ?? [];
    const renewed = after.filter(name => this.freshness.of(name)?.state !== 'fresh');
    return renewed.length === 0 || renewed.some(name => this.isStale(name));
  }

  /**
   * Where a cell that had the index `cell` in that run stands now; undefined where it is gone. Only a run that this page has submitted
   * knows its cells by more than their index.
   */
  placeOf(run: string, cell: number): number | undefined {
    const id = this._submitted.get(run)?.cells[cell];
    if (id === undefined) return cell < this._notebook.cells.length ? cell : undefined;
    return this._notebook.cells.find(other => other.id === id)?.index;
  }

  override dispose(): void {
    if (this.isDisposed) return;
    clearTimeout(this._timer);
    this.runs.dispose();
    this.verifying.dispose();
    this.freshness.dispose();
    this._modules.dispose();
    super.dispose();
    Signal.clearData(this);
  }

  /** Read the notebook now, without waiting for the pause in typing. */
  refresh(): void {
    if (this.readAgain() === 'cells') this.history.clear();
  }

  /** Make a change of ours, and remember how it is taken back. `redo` is needed where doing it once more is another thing. */
  change(act: () => void, undo: () => void, redo = act): void {
    this.edit(() => {
      act();
      this.history.add({ undo, redo });
    });
  }

  /** Take the last change of ours back. */
  undo(): void {
    this.edit(() => this.history.undo());
  }

  redo(): void {
    this.edit(() => this.history.redo());
  }

  private edit(act: () => void): void {
    this.refresh();
    act();
    this.readAgain();
    this.stateChanged.emit();
  }

  /** Says what has changed since the last reading. */
  private readAgain(): 'nothing' | 'metadata' | 'cells' {
    clearTimeout(this._timer);
    this._timer = undefined;
    if (this.isDisposed || !this.panel.model) return 'nothing';
    const before = this._notebook;
    const notebook = this.read();
    const haveCellsChanged = !haveSameCells(notebook, before);
    if (!haveCellsChanged && haveSameMetadata(notebook, before)) return 'nothing';
    this._notebook = notebook;
    this.analyze();
    this.freshness.askSoon();
    return haveCellsChanged ? 'cells' : 'metadata';
  }

  private read(): Notebook {
    return readLiveNotebook(this.panel.model!, this.path);
  }

  /** The cell at which a step failed in the run shown; its first where none is named, or where it is no longer known. */
  failedCellOf(run: StepRun): number | undefined {
    const { shown } = this.runs;
    if (run.state !== 'failed' || !shown) return undefined;
    const cells = this._outline.steps.find(step => step.name === run.name)?.cells ?? [];
    const cell = run.failure?.cell === undefined ? undefined : this.placeOf(shown.id, run.failure.cell);
    return cell !== undefined && cells.includes(cell) ? cell : cells[0];
  }

  private sourceOf(step: string): string {
    const cells = this._outline.steps.find(other => other.name === step)?.cells ?? [];
    return JSON.stringify(cells.map(cell => this._notebook.cells[cell]?.source));
  }

  private async prepareAnalyzer(): Promise<void> {
    try {
      this._analyzer = await loadAnalyzer();
      this._problem = undefined;
    } catch (error) {
      const message = this.trans.__('The Python parser could not be loaded (%1). Reload the page.', String(error));
      this._problem = { code: 'parser-missing', severity: 'error', message };
    }
    if (!this.isDisposed) this.analyze();
  }

  private analyze(): void {
    const analysis = this._analyzer?.analyze(this._notebook, this._modules.names, this._modules.own);
    this._outline = analysis?.outline ?? outlineNotebook(this._notebook);
    this._pipeline = analysis?.pipeline;
    this._stale = analysis?.stale ?? [];
    this._modules.want({ stars: analysis?.starModules ?? [], imports: analysis?.imports ?? [] });
    this._analysisChanged.emit();
    this.stateChanged.emit();
  }

  private onContentChanged(): void {
    this._timer ??= setTimeout(() => this.refresh(), analysisDelayMs);
  }

  private onPathChanged(): void {
    this.refresh();
    void this.runs.refresh();
  }

  private _notebook: Notebook;
  private _outline: Outline;
  private _pipeline: Pipeline | undefined;
  private _stale: readonly CellRange[] = [];
  private _analyzer: Analyzer | undefined;
  private readonly _modules: ModulesModel;
  private _problem: Diagnostic | undefined;
  private _chosenStep: string | undefined;
  private _settingsWanted: string | undefined;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private readonly _changedParameters = new Map<string, JsonValue>();
  private readonly _parameterProblems = new Map<string, string>();
  private readonly _submitted = new Map<string, Submitted>();
  private readonly _analysisChanged = new Signal<this, void>(this);
}

/** The notebook as it was when this page submitted a run. */
interface Submitted {
  /** the text of each step's cells */
  readonly sources: ReadonlyMap<string, string>;
  /** each cell's id, by its index */
  readonly cells: readonly (string | undefined)[];
}

// Outputs are no part of what runs, and may be large.
function withoutOutputs(content: unknown): unknown {
  const notebook = content as { readonly cells: readonly { readonly cell_type: string }[] };
  const cells = notebook.cells.map(cell =>
    cell.cell_type === 'code' ? { ...cell, outputs: [], execution_count: null } : cell
  );
  return { ...notebook, cells };
}
