// From the text of a notebook to the IR that a runner takes: read, analyze, compile. Sidecar and command line go this same way.
import {
  compilePipeline,
  findCheckpoints,
  makeAnalyzer,
  makeParser,
  printIrAsJson,
  readNotebook,
  reportCheck,
  reportUnreadable,
  toReference,
  type Analysis,
  type Analyzer,
  type CheckReport,
  type Diagnostic,
  type Notebook,
  type Pipeline
} from '@sluice/core';
import { dirname } from 'node:path';
import { OwnLibrary } from './beside.js';
import { PipelineError } from './errors.js';
import type { Install } from './install.js';
import { rememberPlan } from './runners/plans.js';
import { packRuntime, readSnapshotProgram } from './runtime.js';
import { StarLibrary } from './stars.js';

export interface Reading {
  /** undefined where the file is no notebook at all; `analysis` is missing with it */
  readonly notebook?: Notebook;
  readonly analysis?: Analysis;
  readonly diagnostics: readonly Diagnostic[];
  readonly report: CheckReport;
  /** no modules had to be looked into */
  readonly isOfItsTextAlone: boolean;
}

/** The image of a step whose settings name none: any with Python 3.9 or later will do. */
export const defaultImage = 'python:3.12';

export class Pipelines {
  private analyzer: Promise<Analyzer> | undefined;
  private stars: Promise<StarLibrary> | undefined;
  private own: Promise<OwnLibrary> | undefined;

  constructor(
    private readonly install: Install,
    private readonly env: NodeJS.ProcessEnv = process.env
  ) {}

  /** `path` gives a pipeline without a name its name. */
  async read(text: string, path: string): Promise<Reading> {
    const { notebook, diagnostics } = readNotebook(text, path);
    if (notebook === undefined) return { diagnostics, report: reportUnreadable(diagnostics), isOfItsTextAlone: true };
    const { analysis, isOfItsTextAlone } = await this.analyze(notebook, path);
    const { diagnostics: found } = analysis.pipeline;
    return { notebook, analysis, diagnostics: found, report: reportCheck(analysis, notebook), isOfItsTextAlone };
  }

  /** What it imports as `*` is looked up, so that it says of each name where it comes from; and what modules beside it keep. */
  private async analyze(
    notebook: Notebook,
    path: string
  ): Promise<Required<Pick<Reading, 'analysis' | 'isOfItsTextAlone'>>> {
    const [analyzer, stars, own] = await Promise.all([this.openAnalyzer(), this.openStars(), this.openOwn()]);
    const source = { folder: dirname(path), kernel: notebook.kernel };
    const known = [stars.known(source), own.known(source.folder)] as const;
    const analysis = analyzer.analyze(notebook, ...known);
    const { starModules, imports } = analysis;
    const found = [
      starModules.length === 0 ? known[0] : await stars.find(starModules, source),
      await own.find(imports, source.folder)
    ] as const;
    const isKnown = found.every((part, i) => part === known[i]);
    return {
      analysis: isKnown ? analysis : analyzer.analyze(notebook, ...found),
      isOfItsTextAlone: starModules.length === 0 && found[1] === undefined
    };
  }

  openOwn(): Promise<OwnLibrary> {
    return (this.own ??= this.openAnalyzer().then(analyzer => new OwnLibrary(analyzer)));
  }

  openStars(): Promise<StarLibrary> {
    const { env, install } = this;
    return (this.stars ??= this.openAnalyzer().then(
      analyzer => new StarLibrary({ env, packagesFolder: install.packagesFolder, analyzer })
    ));
  }

  openAnalyzer(): Promise<Analyzer> {
    return (this.analyzer ??= keepAwake(
      this.install.readPrograms().then(async programs => makeAnalyzer(await makeParser(programs)))
    ));
  }

  /**
   * The IR as text, for programs unless it is to be read. `path` is the notebook's as people know it.
   * @throws PipelineError `invalid-notebook` when a diagnostic forbids it; its detail has the diagnostics as `sluice check --json` gives them.
   */
  async compile(reading: Reading, path: string, { isToBeRead = false } = {}): Promise<string> {
    return this.print(checked(reading).analysis.pipeline, reading, path, { isToBeRead });
  }

  /** The pipeline as `compile` makes it, and the notebook as one step; both write down what names hold after the same cells. */
  async compileToVerify(
    reading: Reading,
    path: string
  ): Promise<{ readonly reference: string; readonly pipeline: string }> {
    const { analysis, notebook } = checked(reading);
    const checkpoints = findCheckpoints(analysis.outline).map(checkpoint => checkpoint.cell);
    return {
      reference: await this.print(toReference(analysis, notebook), reading, path, { checkpoints }),
      pipeline: await this.print(analysis.pipeline, reading, path, { checkpoints })
    };
  }

  private async print(
    pipeline: Pipeline,
    { notebook }: Reading,
    path: string,
    { checkpoints, isToBeRead = false }: { readonly checkpoints?: readonly number[]; readonly isToBeRead?: boolean }
  ): Promise<string> {
    const runtime = await packRuntime(this.install.runtimeFolder, { withCheckpoints: checkpoints !== undefined });
    const snapshot = { program: await readSnapshotProgram(this.install.runtimeFolder), image: defaultImage };
    const options = { runtime, snapshot, image: defaultImage, notebook: path, cells: notebook!.cells };
    const ir = compilePipeline(pipeline, checkpoints === undefined ? options : { ...options, checkpoints });
    const text = isToBeRead ? (await import('@sluice/core/ir/print')).printIr(ir) : printIrAsJson(ir);
    rememberPlan(text, ir);
    return text;
  }
}

/** Node does not know that WebAssembly is being compiled, and ends if there is nothing else to wait for. */
function keepAwake<T>(work: Promise<T>): Promise<T> {
  const timer = setInterval(() => undefined, 1 << 30);
  return work.finally(() => clearInterval(timer));
}

function checked({ analysis, notebook, report }: Reading): {
  readonly analysis: Analysis;
  readonly notebook: Notebook;
} {
  const errors = report.diagnostics.filter(diagnostic => diagnostic.severity === 'error');
  if (errors.length > 0 || analysis === undefined || notebook === undefined) {
    const [first] = errors;
    const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
    throw new PipelineError(`${first?.message ?? 'The notebook can’t be read.'}${more}`, 'invalid-notebook', {
      detail: { diagnostics: report.diagnostics }
    });
  }
  return { analysis, notebook };
}
