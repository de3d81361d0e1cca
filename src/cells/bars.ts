// The bars on a notebook's cells: a stripe in the step's hue on each of its cells, a chip on the first one and on cells with a role, and a failed
// step's error at its cell. Cells come, go and are detached while scrolling; so nothing is kept here that the model does not say.
import type { Cell } from '@jupyterlab/cells';
import type { TranslationBundle } from '@jupyterlab/translation';
import { checkStepName, formatMetric, type CellRole, type Role, type StepRun } from '@sluice/core';
import type { CommandRegistry } from '@lumino/commands';
import { Signal } from '@lumino/signaling';
import { PanelLayout } from '@lumino/widgets';
import { makeStep, renameStep } from '../editing';
import { hueClass, hueClasses } from '../hues';
import type { PipelineModel } from '../pipelineModel';
import { describeWaiting } from '../stepFlows';
import { proposeStepName } from '../suggest';
import { describeStepRun, isActive, toPhrase } from '../words';
import { Chip, type ChipPaint } from './chip';
import { FailureBox } from './failure';
import { openCellMenu } from './menu';

export class CellBars {
  constructor(
    private readonly pipeline: PipelineModel,
    private readonly commands: CommandRegistry
  ) {
    pipeline.analysisChanged.connect(this.paint, this);
    pipeline.runs.changed.connect(this.paint, this);
    pipeline.freshness.changed.connect(this.paint, this);
    pipeline.panel.content.cellInViewportChanged.connect(this.paint, this);
    this.paint();
  }

  /** Whether the bars are shown; the setting `showCellBars`. */
  set areShown(areShown: boolean) {
    this._areShown = areShown;
    this.paint();
  }

  /** Let people type the name of a step that begins at this cell, or the new name of the one that does. */
  editName(index: number): void {
    const cell = this.pipeline.panel.content.widgets[index];
    const role = this.pipeline.outline.roles[index];
    if (!cell || !role) return;
    const { outline, notebook, trans } = this.pipeline;
    const current = role.kind === 'step' && role.isHead ? role.step : undefined;
    const taken = outline.steps.map(step => step.name);
    const chip = this.chipOf(cell);
    if (chip.isNaming) return;
    chip.editName({
      label: current === undefined ? trans.__('Name of the new step') : trans.__('New name of step %1', current),
      value: current ?? proposeStepName(notebook, index, taken),
      check: name => checkName(name, current, taken, trans),
      done: name => {
        if (name !== undefined && name !== current) {
          if (current === undefined) makeStep(this.pipeline, index, name);
          else renameStep(this.pipeline, current, name);
        }
        this.paint();
        cell.node.focus({ preventScroll: true });
      }
    });
  }

  dispose(): void {
    this._areShown = false;
    if (!this.pipeline.panel.isDisposed) this.paint();
    Signal.clearData(this);
  }

  private paint(): void {
    const { panel, outline, runs } = this.pipeline;
    this.runs = new Map(runs.shown?.steps.map(run => [run.name, run]));
    this.cellCounts = new Map(outline.steps.map(({ name, cells }) => [name, cells.length]));
    this.metricsGivers = outline.steps.filter(({ metricsCells }) => metricsCells.length > 0).map(({ name }) => name);
    panel.content.widgets.forEach((cell, index) => this.paintCell(cell, index));
  }

  private paintCell(cell: Cell, index: number): void {
    const role = this._areShown ? this.pipeline.outline.roles[index] : undefined;
    const step = role && 'step' in role ? role.step : undefined;
    const run = step === undefined ? undefined : this.runs.get(step);
    this.paintStripe(cell, step, run !== undefined && this.isRunningAt(run, index));
    const paint = role && this.toPaint(role, run);
    const chip = this.chips.get(cell);
    if (paint) this.chipOf(cell).paint(paint);
    else if (chip && !chip.isNaming) {
      this.chips.delete(cell);
      chip.dispose();
    }
    this.paintFailure(cell, index, step, run);
  }

  private paintStripe(cell: Cell, step: string | undefined, isRunning: boolean): void {
    const hue = step === undefined ? '' : hueClass(this.pipeline.outline, step);
    cell.toggleClass('jp-Sluice-cell', step !== undefined);
    cell.toggleClass('jp-mod-sluice-running', isRunning);
    for (const name of hueClasses) cell.toggleClass(name, name === hue);
  }

  private isRunningAt(run: StepRun, index: number): boolean {
    if (run.state !== 'running' || run.cell === undefined) return false;
    return this.pipeline.placeOf(this.pipeline.runs.shown!.id, run.cell) === index;
  }

  private toPaint(role: CellRole, run: StepRun | undefined): ChipPaint | undefined {
    if (role.kind === 'none' || (role.kind === 'step' && !role.isHead)) return undefined;
    if (role.kind !== 'step') {
      const { trans } = this.pipeline;
      const word = roleWord(role.kind, trans);
      return {
        text: word,
        isStep: false,
        label: trans.__('Cell with %1', word),
        menuLabel: trans.__('Change the role of this cell, %1', word),
        state: undefined,
        status: '',
        metrics: ''
      };
    }
    const { trans } = this.pipeline;
    return {
      text: role.step,
      isStep: true,
      label: trans.__('Step %1', role.step),
      menuLabel: trans.__('Menu of step %1', role.step),
      state: run?.state,
      status: this.statusOf(role.step, run),
      metrics: this.metricsOf(role.step)
    };
  }

  /** `running · 12 s · 3 of 7 cells`, `cached · unchanged since run 12`, `succeeded · 1.2 s · changed since run 12` */
  private statusOf(step: string, run: StepRun | undefined): string {
    const { pipeline } = this;
    const { trans } = pipeline;
    const words = [describeStepRun(run, Date.now(), trans)];
    const cells = this.cellCounts.get(step) ?? 0;
    const changed = pipeline.changedSince(step);
    if (run?.state === 'running' && cells > 1) words.push(trans.__('%1 of %2 cells', run.cellsDone ?? 0, cells));
    if (run?.state === 'pending')
      words.push(describeWaiting(pipeline.pipeline, run, pipeline.runs.shown!.steps, trans));
    if (changed) words.push(trans.__('changed since run %1', changed.run.number));
    else if (run?.state === 'cached' && run.reason !== undefined) words.push(toPhrase(run.reason));
    return words.filter(word => word !== '').join(' · ');
  }

  // A run's metrics are one table; which of them a step gave is known from the cells only where one step has them all.
  private metricsOf(step: string): string {
    const shown = this.pipeline.runs.shown;
    const [giver, ...others] = this.metricsGivers;
    if (!shown || others.length > 0 || giver !== step) return '';
    return Object.entries(shown.metrics)
      .filter(([, value]) => typeof value === 'number')
      .map(([name, value]) => `${name} ${formatMetric(value)}`)
      .join(' · ');
  }

  private paintFailure(cell: Cell, index: number, step: string | undefined, run: StepRun | undefined): void {
    const failure =
      run?.state === 'failed'
        ? (run.failure ?? { name: run.error ?? this.pipeline.trans.__('failed'), message: '' })
        : undefined;
    const isHere = failure !== undefined && this.pipeline.failedCellOf(run!) === index;
    const box = this.failures.get(cell);
    if (!isHere) {
      this.failures.delete(cell);
      box?.dispose();
      return;
    }
    const shown = box ?? new FailureBox();
    shown.paint(step!, failure);
    if (box) return;
    this.failures.set(cell, shown);
    insert(cell, this.chips.has(cell) ? 1 : 0, shown);
  }

  private chipOf(cell: Cell): Chip {
    let chip = this.chips.get(cell);
    if (!chip || chip.isDisposed) {
      chip = new Chip(anchor => openCellMenu(this.pipeline, this.commands, anchor));
      this.chips.set(cell, chip);
      insert(cell, 0, chip);
    }
    return chip;
  }

  /** Whether some step is at work, so that its time must be painted again. */
  get isTicking(): boolean {
    return this.pipeline.runs.shown !== undefined && isActive(this.pipeline.runs.shown.state);
  }

  tick(): void {
    if (this.isTicking) this.paint();
  }

  private _areShown = true;
  // What the cells of one painting ask for by step: a notebook may have hundreds of both.
  private runs: ReadonlyMap<string, StepRun> = new Map();
  private cellCounts: ReadonlyMap<string, number> = new Map();
  private metricsGivers: readonly string[] = [];
  private readonly chips = new WeakMap<Cell, Chip>();
  private readonly failures = new WeakMap<Cell, FailureBox>();
}

/** The name rules are core's; that no other step has it is ours, since the same name would join the two. */
export function checkName(
  name: string,
  current: string | undefined,
  taken: readonly string[],
  trans: TranslationBundle
): string | undefined {
  const problem = checkStepName(name);
  if (problem !== undefined) return problem;
  if (name !== current && taken.includes(name))
    return trans.__('There is a step ‘%1’ already. Choose another name.', name);
  return undefined;
}

function roleWord(role: Role, trans: TranslationBundle): string {
  switch (role) {
    case 'imports':
      return trans.__('imports');
    case 'functions':
      return trans.__('functions');
    case 'parameters':
      return trans.__('parameters');
    case 'metrics':
      return trans.__('metrics');
    case 'skip':
      return trans.__('skip');
  }
}

function insert(cell: Cell, index: number, widget: Chip | FailureBox): void {
  if (cell.layout instanceof PanelLayout) cell.layout.insertWidget(index, widget);
}
