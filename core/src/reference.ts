// The reference of a pipeline is its notebook, run from top to bottom in one process: here as a pipeline of one step, so that the same
// runtime runs both. Checkpoints are where the two can be compared.
import type { Analysis } from './analyze.js';
import type { Notebook } from './notebook.js';
import type { CellRole, Outline } from './outline.js';
import type { Pipeline, PipelineStep } from './pipeline.js';
import { toStepSettings } from './step.js';

/** A cell after which names are looked at: the last one before another step, or imports and the like, begin. */
export interface Checkpoint {
  /** index of the cell */
  readonly cell: number;
  /** undefined after cells that run in every step */
  readonly step: string | undefined;
}

/** In notebook order. */
export function findCheckpoints({ roles }: Outline): readonly Checkpoint[] {
  const checkpoints: Checkpoint[] = [];
  roles.forEach((role, cell) => {
    if (!isRun(role)) return;
    const step = stepOf(role);
    if (checkpoints.length > 0 && checkpoints.at(-1)!.step === step) checkpoints.pop();
    checkpoints.push({ cell, step });
  });
  return checkpoints;
}

/** The notebook as one step. Skipped cells are left out, as the pipeline leaves them out; parameters are what their cells say. */
export function toReference({ outline, pipeline }: Analysis, notebook: Notebook): Pipeline {
  const metrics = new Set(
    pipeline.steps.flatMap(step => step.cells.flatMap(cell => (cell.isMetrics ? cell.index : [])))
  );
  const env = Object.assign({}, ...pipeline.steps.map(step => step.settings.env)) as Readonly<Record<string, string>>;
  const step: PipelineStep = {
    name: 'notebook',
    cells: outline.roles.flatMap((role, index) => {
      const { id, source } = notebook.cells[index]!;
      const cell = { index, ...(id === undefined ? {} : { id }), source, isMetrics: metrics.has(index) };
      return isRun(role) ? [cell] : [];
    }),
    ...{ after: [], parameters: [], setup: [], outputs: [] },
    settings: { ...toStepSettings({}, {}), env }
  };
  return { ...pipeline, parameters: [], steps: [step], flows: [], diagnostics: [] };
}

function isRun({ kind }: CellRole): boolean {
  return kind !== 'none' && kind !== 'skip';
}

function stepOf(role: CellRole): string | undefined {
  return role.kind === 'step' || role.kind === 'metrics' ? role.step : undefined;
}
