// Every verb of Sluice is a command: palette, context menu, chips, panel and keys only call them. They work on the notebook in front and its
// selected cells, unless the caller says which (`{cell: index}`, `{step: name}`, `{name: new name}`).
import { runIcon, stopIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Role, RunSummary, Selection } from '@sluice/core';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { checkName } from './cells/bars';
import { openCellMenu } from './cells/menu';
import { joinStepAbove, makeStep, markCells, renameStep, setTags } from './editing';
import { sluiceIcon } from './icons';
import type { PipelineModel } from './pipelineModel';
import type { Pipelines } from './pipelines';
import { showCell } from './places';
import { proposeStepName, suggestTags } from './suggest';
import { CommandIds } from './tokens';
import { resumableRun } from './words';

export interface CommandOptions {
  readonly commands: CommandRegistry;
  readonly pipelines: Pipelines;
  readonly trans: TranslationBundle;
  /** opens the name of the cell for typing */
  readonly editName: (pipeline: PipelineModel, cell: number) => void;
  readonly showPanel: () => void;
  readonly openOutputs: (pipeline: PipelineModel, step: string) => void;
}

type Arguments = ReadonlyPartialJSONObject;

const roles: readonly [id: string, role: Role, label: string, key: string][] = [
  [CommandIds.markImports, 'imports', 'Mark as Imports', 'I'],
  [CommandIds.markFunctions, 'functions', 'Mark as Functions', 'F'],
  [CommandIds.markParameters, 'parameters', 'Mark as Parameters', 'P'],
  [CommandIds.markMetrics, 'metrics', 'Mark as Metrics', 'M'],
  [CommandIds.markSkip, 'skip', 'Skip in the Pipeline', 'k']
];

export function addCommands(options: CommandOptions): void {
  addTagCommands(options);
  addRunCommands(options);
  addPartialRunCommands(options);
  addViewCommands(options);
}

function addTagCommands({ commands, pipelines, trans, editName }: CommandOptions): void {
  const isOnCode = (args: Arguments): boolean => selectedCells(pipelines.current, args).length > 0;
  commands.addCommand(CommandIds.makeStep, {
    label: trans.__('Make a Step Here'),
    mnemonic: 7,
    caption: trans.__('A step begins at this cell; the cells below belong to it, up to the next step.'),
    isEnabled: isOnCode,
    execute: async args => {
      const pipeline = pipelines.current;
      const cell = selectedCells(pipeline, args)[0];
      if (!pipeline || cell === undefined) return;
      const taken = pipeline.outline.steps.map(step => step.name);
      if (typeof args['name'] === 'string') {
        const problem = checkName(args['name'], undefined, taken);
        if (problem !== undefined) throw new Error(problem);
        makeStep(pipeline, cell, args['name']);
      } else if (args['isQuick'] === true) {
        makeStep(pipeline, cell, proposeStepName(pipeline.notebook, cell, taken));
      } else {
        await showCell(pipeline.panel, cell);
        editName(pipeline, cell);
      }
    }
  });
  commands.addCommand(CommandIds.joinStepAbove, {
    label: trans.__('Join the Step Above'),
    mnemonic: 0,
    caption: trans.__('Take the cell’s role away: it belongs to the step above it.'),
    isEnabled: isOnCode,
    execute: args => withCurrent(pipelines, pipeline => joinStepAbove(pipeline, selectedCells(pipeline, args)))
  });
  for (const [id, role, label, key] of roles) {
    commands.addCommand(id, {
      label: trans.__(label),
      mnemonic: label.indexOf(key),
      isEnabled: isOnCode,
      isToggled: args => selectedCells(pipelines.current, args).some(cell => hasRole(pipelines.current, cell, role)),
      execute: args => withCurrent(pipelines, pipeline => markCells(pipeline, selectedCells(pipeline, args), role))
    });
  }
  commands.addCommand(CommandIds.renameStep, {
    label: trans.__('Rename the Step…'),
    mnemonic: 0,
    isEnabled: args => stepOf(pipelines.current, args) !== undefined,
    execute: async args => {
      const pipeline = pipelines.current;
      const step = stepOf(pipeline, args);
      if (!pipeline || step === undefined) return;
      if (typeof args['name'] === 'string') {
        const taken = pipeline.outline.steps.map(other => other.name);
        const problem = checkName(args['name'], step, taken);
        if (problem !== undefined) throw new Error(problem);
        renameStep(pipeline, step, args['name']);
        return;
      }
      const head = pipeline.outline.roles.findIndex(role => role.kind === 'step' && role.isHead && role.step === step);
      await showCell(pipeline.panel, head);
      editName(pipeline, head);
    }
  });
  commands.addCommand(CommandIds.suggestSteps, {
    label: trans.__('Suggest Steps'),
    caption: trans.__('Divide the notebook into steps by its headings.'),
    isEnabled: () => pipelines.current?.outline.steps.length === 0,
    execute: () => withCurrent(pipelines, pipeline => setTags(pipeline, suggestTags(pipeline.notebook)))
  });
  commands.addCommand(CommandIds.undo, {
    label: trans.__('Undo the Last Change of Steps'),
    isEnabled: () => pipelines.current?.history.canUndo ?? false,
    execute: () => withCurrent(pipelines, pipeline => pipeline.undo())
  });
  commands.addCommand(CommandIds.redo, {
    label: trans.__('Redo the Last Change of Steps'),
    isEnabled: () => pipelines.current?.history.canRedo ?? false,
    execute: () => withCurrent(pipelines, pipeline => pipeline.redo())
  });
}

function addRunCommands({ commands, pipelines, trans }: CommandOptions): void {
  commands.addCommand(CommandIds.runPipeline, {
    label: trans.__('Run Pipeline'),
    mnemonic: 8,
    icon: args => (args['isMenu'] ? undefined : runIcon),
    caption: () =>
      pipelines.current?.obstacle ?? trans.__('Run the notebook’s steps as a pipeline, as they stand now.'),
    isEnabled: () => canRun(pipelines.current),
    execute: () => pipelines.current?.run()
  });
  commands.addCommand(CommandIds.cancelRun, {
    label: trans.__('Cancel Run'),
    icon: args => (args['isMenu'] ? undefined : stopIcon),
    isEnabled: () => pipelines.current?.runs.active !== undefined && !pipelines.current.runs.isCanceling,
    execute: () => pipelines.current?.runs.cancel()
  });
}

const parts: readonly [id: string, part: keyof Selection, words: string, key: number, caption: string][] = [
  [CommandIds.runOnly, 'step', 'Run Only', 5, 'What the step needs from others is taken from an earlier run.'],
  [
    CommandIds.runFrom,
    'from',
    'Run From',
    1,
    'The step, and all that depend on it; what they need is taken from an earlier run.'
  ],
  [CommandIds.runTo, 'to', 'Run To', 4, 'The step, and all that it depends on.']
];

function addPartialRunCommands({ commands, pipelines, trans }: CommandOptions): void {
  for (const [id, part, words, key, caption] of parts)
    commands.addCommand(id, {
      label: args => {
        const step = stepOf(pipelines.current, args);
        return `${trans.__(words)} ${step === undefined ? trans.__('This Step') : `‘${step}’`}`;
      },
      mnemonic: key,
      caption: trans.__(caption),
      isEnabled: args => canRun(pipelines.current) && stepOf(pipelines.current, args) !== undefined,
      execute: args => {
        const step = stepOf(pipelines.current, args);
        return step === undefined ? undefined : pipelines.current?.run({ selection: { [part]: step } });
      }
    });
  const past = (): RunSummary | undefined => resumableRun(pipelines.current?.runs.all ?? []);
  commands.addCommand(CommandIds.resumeRun, {
    label: () => {
      const run = past();
      return run
        ? trans.__('Resume Run %1, Which %2', run.number, run.state === 'failed' ? 'Failed' : 'Was Canceled')
        : trans.__('Resume the Last Failed Run');
    },
    mnemonic: 0,
    caption: trans.__('Run what did not succeed there or has changed since; the rest is taken from that run.'),
    isEnabled: () => canRun(pipelines.current) && past() !== undefined,
    execute: () => {
      const run = past();
      return run && pipelines.current?.run({ resume: run.id });
    }
  });
  commands.addCommand(CommandIds.verify, {
    label: trans.__('Verify Against the Notebook'),
    mnemonic: 0,
    caption: trans.__('Run the notebook from top to bottom and its pipeline, and compare what both print and compute.'),
    isEnabled: () => canRun(pipelines.current) && pipelines.current?.verifying.state.kind !== 'running',
    execute: () => pipelines.current?.verify()
  });
}

function addViewCommands({ commands, pipelines, trans, showPanel, openOutputs }: CommandOptions): void {
  commands.addCommand(CommandIds.showPanel, {
    label: trans.__('Show Sluice'),
    icon: sluiceIcon,
    execute: showPanel
  });
  commands.addCommand(CommandIds.openCellMenu, {
    label: trans.__('What This Cell Is to the Pipeline…'),
    icon: sluiceIcon,
    isEnabled: args => selectedCells(pipelines.current, args).length > 0,
    isVisible: args => selectedCells(pipelines.current, args).length > 0,
    execute: () => {
      const { content } = pipelines.current?.panel ?? {};
      const cell = content?.activeCell;
      if (!cell) return;
      const anchor = cell.node.querySelector('.jp-Sluice-chipName') ?? cell.node.querySelector('.jp-InputPrompt');
      openCellMenu(commands, anchor ?? cell.node);
    }
  });
  commands.addCommand(CommandIds.openOutputs, {
    label: trans.__('Open the Step’s Executed Cells'),
    mnemonic: 0,
    caption: trans.__('The cells of the step with their outputs, as they ran in the pipeline.'),
    isEnabled: args => {
      const step = stepOf(pipelines.current, args);
      return (
        pipelines.current?.runs.shown?.steps.some(run => run.name === step && run.durationMs !== undefined) ?? false
      );
    },
    execute: args => {
      const step = stepOf(pipelines.current, args);
      if (pipelines.current && step !== undefined) openOutputs(pipelines.current, step);
    }
  });
}

export const paletteCommands: readonly string[] = [
  CommandIds.showPanel,
  CommandIds.runPipeline,
  CommandIds.runOnly,
  CommandIds.runFrom,
  CommandIds.runTo,
  CommandIds.resumeRun,
  CommandIds.verify,
  CommandIds.cancelRun,
  CommandIds.makeStep,
  CommandIds.joinStepAbove,
  CommandIds.renameStep,
  ...roles.map(([id]) => id),
  CommandIds.suggestSteps,
  CommandIds.openCellMenu,
  CommandIds.openOutputs,
  CommandIds.undo,
  CommandIds.redo
];

function withCurrent(pipelines: Pipelines, act: (pipeline: PipelineModel) => void): void {
  const pipeline = pipelines.current;
  if (!pipeline) return;
  act(pipeline);
  // A menu leaves the focus nowhere; the next key, Ctrl+Z say, belongs to the cell.
  const { activeElement, body } = document;
  if (activeElement === null || activeElement === body)
    pipeline.panel.content.activeCell?.node.focus({ preventScroll: true });
}

function canRun(pipeline: PipelineModel | undefined): boolean {
  return !!pipeline && !pipeline.obstacle && !pipeline.runs.active && !pipeline.runs.isSubmitting;
}

/** Indices of the code cells that a command is meant for. */
function selectedCells(pipeline: PipelineModel | undefined, args: Arguments): readonly number[] {
  if (!pipeline) return [];
  const { content } = pipeline.panel;
  const isCode = (index: number): boolean => content.widgets[index]?.model.type === 'code';
  if (typeof args['cell'] === 'number') return isCode(args['cell']) ? [args['cell']] : [];
  return content.widgets.flatMap((cell, index) => (content.isSelectedOrActive(cell) && isCode(index) ? [index] : []));
}

function stepOf(pipeline: PipelineModel | undefined, args: Arguments): string | undefined {
  if (typeof args['step'] === 'string') return args['step'];
  const role = pipeline?.outline.roles[selectedCells(pipeline, args)[0] ?? -1];
  return role && 'step' in role ? role.step : undefined;
}

function hasRole(pipeline: PipelineModel | undefined, cell: number, role: Role): boolean {
  return pipeline?.outline.roles[cell]?.kind === role;
}
