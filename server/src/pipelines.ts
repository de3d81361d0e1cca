// From the text of a notebook to the IR that a runner takes: read, analyze, compile. Sidecar and command line go this same way.
import {
  compilePipeline,
  makeAnalyzer,
  makeParser,
  printIr,
  readNotebook,
  reportCheck,
  reportUnreadable,
  type Analysis,
  type Analyzer,
  type CheckReport,
  type Diagnostic,
  type Notebook
} from '@sluice/core';
import { PipelineError } from './errors.js';
import type { Install } from './install.js';
import { packRuntime } from './runtime.js';

export interface Reading {
  /** undefined where the file is no notebook at all; `analysis` is missing with it */
  readonly notebook?: Notebook;
  readonly analysis?: Analysis;
  readonly diagnostics: readonly Diagnostic[];
  readonly report: CheckReport;
}

/** The image of a step whose settings name none: any with Python 3.9 or later will do. */
export const defaultImage = 'python:3.12';

export class Pipelines {
  private analyzer: Promise<Analyzer> | undefined;

  constructor(private readonly install: Install) {}

  /** `path` gives a pipeline without a name its name. */
  async read(text: string, path: string): Promise<Reading> {
    const { notebook, diagnostics } = readNotebook(text, path);
    if (notebook === undefined) return { diagnostics, report: reportUnreadable(diagnostics) };
    this.analyzer ??= this.install.readPrograms().then(async programs => makeAnalyzer(await makeParser(programs)));
    const analysis = (await this.analyzer).analyze(notebook);
    const { pipeline } = analysis;
    return { notebook, analysis, diagnostics: pipeline.diagnostics, report: reportCheck(analysis, notebook) };
  }

  /**
   * The IR as text. `path` is the notebook's as people know it.
   * @throws PipelineError `invalid-notebook` when a diagnostic forbids it; its detail has the diagnostics as `sluice check --json` gives them.
   */
  async compile(reading: Reading, path: string): Promise<string> {
    const { analysis, report } = reading;
    const errors = report.diagnostics.filter(diagnostic => diagnostic.severity === 'error');
    if (errors.length > 0 || analysis === undefined) {
      const [first] = errors;
      const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
      throw new PipelineError(`${first?.message ?? 'The notebook can’t be read.'}${more}`, 'invalid-notebook', {
        detail: { diagnostics: report.diagnostics }
      });
    }
    const runtime = await packRuntime(this.install.runtimeFolder);
    return printIr(
      compilePipeline(analysis.pipeline, {
        runtime,
        image: defaultImage,
        notebook: path,
        cells: reading.notebook!.cells
      })
    );
  }
}
