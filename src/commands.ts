// Every verb of Sluice is a command: palette, context menu, chips, panel and keys only call them. They work on the notebook in front and its
// selected cells, unless the caller says which (`{cell: index}`, `{step: name}`, `{name: new name}`).
import { runIcon, stopIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Role, RunSummary, Selection } from '@sluice/core';
import type { CommandRegistry } from '@lumino/commands';
import { checkName } from './cells/bars';
import { openCellMenu } from './cells/menu';
import { joinStepAbove, makeStep, markCells, renameStep, setTags } from './editing';
import { sluiceIcon } from './icons';
import type { PipelineModel } from './pipelineModel';
import type { Pipelines } from './pipelines';
import { showCell } from './places';
import { proposeStepName, suggestTags } from './suggest';
import { canRun, hasRole, labelOf, runOf, selectedCells, stepOf, withCurrent, type Arguments } from './targets';
import { CommandIds } from './tokens';
import { hasOutcome } from './words';

export interface CommandOptions {
  readonly commands: CommandRegistry;
  readonly pipelines: Pipelines;
  readonly trans: TranslationBundle;
  /** opens the name of the cell for typing */
  readonly editName: (pipeline: PipelineModel, cell: number) => void;
  readonly showPanel: () => void;
  readonly openOutputs: (pipeline: PipelineModel, run: RunSummary, step: string) => void;
}

interface RoleCommand {
  readonly id: string;
  readonly role: Role;
  readonly label: string;
  /** place of the key in the label */
  readonly mnemonic: number;
}

function roleCommands(trans: TranslationBundle): readonly RoleCommand[] {
  return [
    { id: CommandIds.markImports, role: 'imports', label: trans.__('Mark as Imports'), mnemonic: 8 },
    { id: CommandIds.markFunctions, role: 'functions', label: trans.__('Mark as Functions'), mnemonic: 8 },
    { id: CommandIds.markParameters, role: 'parameters', label: trans.__('Mark as Parameters'), mnemonic: 8 },
    { id: CommandIds.markMetrics, role: 'metrics', label: trans.__('Mark as Metrics'), mnemonic: 0 },
    { id: CommandIds.markSkip, role: 'skip', label: trans.__('Skip in the Pipeline'), mnemonic: 1 }
  ];
}

export function addCommands(options: CommandOptions): void {
  addTagCommands(options);
  addRunCommands(options);
  addPartialRunCommands(options);
  addViewCommands(options);
}

function addTagCommands({ commands, pipelines, trans, editName, showPanel }: CommandOptions): void {
  const isOnCode = (args: Arguments): boolean => selectedCells(pipelines.current, args).length > 0;
  const isHead = (args: Arguments): boolean => {
    const role = pipelines.current?.outline.roles[selectedCells(pipelines.current, args)[0] ?? -1];
    return role?.kind === 'step' && role.isHead;
  };
  commands.addCommand(CommandIds.makeStep, {
    label: trans.__('Make a Step Here'),
    mnemonic: 7,
    caption: trans.__('A step begins at this cell; the cells below belong to it, up to the next step.'),
    isEnabled: args => isOnCode(args) && !isHead(args),
    execute: async args => {
      const pipeline = pipelines.current;
      const cell = selectedCells(pipeline, args)[0];
      if (!pipeline || cell === undefined) return;
      const taken = pipeline.outline.steps.map(step => step.name);
      if (typeof args['name'] === 'string') {
        const problem = checkName(args['name'], undefined, taken, trans);
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
  for (const { id, role, label, mnemonic } of roleCommands(trans)) {
    commands.addCommand(id, {
      label,
      mnemonic,
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
        const problem = checkName(args['name'], step, taken, trans);
        if (problem !== undefined) throw new Error(problem);
        renameStep(pipeline, step, args['name']);
        return;
      }
      const head = pipeline.outline.roles.findIndex(role => role.kind === 'step' && role.isHead && role.step === step);
      await showCell(pipeline.panel, head);
      editName(pipeline, head);
    }
  });
  commands.addCommand(CommandIds.editSettings, {
    label: trans.__('Settings of the Step…'),
    mnemonic: 6,
    caption: trans.__('What the step asks for: memory, processors, an image, retries.'),
    isEnabled: args => stepOf(pipelines.current, args) !== undefined,
    execute: args => {
      const step = stepOf(pipelines.current, args);
      if (step === undefined) return;
      showPanel();
      pipelines.current?.wantSettings(step);
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
    mnemonic: 7,
    icon: args => (args['isMenu'] ? undefined : runIcon),
    caption: () =>
      pipelines.current?.obstacle ?? trans.__('Run the notebook’s steps as a pipeline, as they stand now.'),
    isEnabled: () => canRun(pipelines.current),
    execute: () => pipelines.current?.run()
  });
  commands.addCommand(CommandIds.runAnew, {
    label: trans.__('Run Without Cache'),
    mnemonic: 4,
    caption: trans.__('Run every step, also those that have not changed since they ran.'),
    isEnabled: () => canRun(pipelines.current),
    execute: () => pipelines.current?.run({ cache: false })
  });
  commands.addCommand(CommandIds.cancelRun, {
    label: trans.__('Cancel Run'),
    icon: args => (args['isMenu'] ? undefined : stopIcon),
    isEnabled: () => pipelines.current?.runs.active !== undefined && !pipelines.current.runs.isCanceling,
    execute: () => pipelines.current?.runs.cancel()
  });
}

interface PartCommand {
  readonly id: string;
  readonly part: keyof Selection;
  readonly label: (step: string | undefined) => string;
  readonly mnemonic: number;
  readonly caption: string;
}

function partCommands(trans: TranslationBundle): readonly PartCommand[] {
  return [
    {
      id: CommandIds.runOnly,
      part: 'step',
      label: step => (step === undefined ? trans.__('Run Only This Step') : trans.__('Run Only ‘%1’', step)),
      mnemonic: 5,
      caption: trans.__('What the step needs from others is taken from an earlier run.')
    },
    {
      id: CommandIds.runFrom,
      part: 'from',
      label: step => (step === undefined ? trans.__('Run From This Step') : trans.__('Run From ‘%1’', step)),
      mnemonic: 6,
      caption: trans.__('The step, and all that depend on it; what they need is taken from an earlier run.')
    },
    {
      id: CommandIds.runTo,
      part: 'to',
      label: step => (step === undefined ? trans.__('Run Up To This Step') : trans.__('Run Up To ‘%1’', step)),
      mnemonic: 4,
      caption: trans.__('The step, and all that it depends on.')
    }
  ];
}

/** `{step: name}`, else the selected cell’s; `{resume: run’s id}` takes values from that run rather than from the newest that has them. */
function addPartialRunCommands({ commands, pipelines, trans }: CommandOptions): void {
  for (const { id, part, label, mnemonic, caption } of partCommands(trans))
    commands.addCommand(id, {
      label: args => labelOf(args) ?? label(stepOf(pipelines.current, args)),
      mnemonic: args => (labelOf(args) === undefined ? mnemonic : -1),
      caption,
      isEnabled: args => canRun(pipelines.current) && stepOf(pipelines.current, args) !== undefined,
      execute: args => {
        const step = stepOf(pipelines.current, args);
        if (step === undefined) return undefined;
        const { resume } = args;
        return pipelines.current?.run({
          selection: { [part]: step },
          ...(typeof resume === 'string' ? { resume } : {})
        });
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
      openCellMenu(pipelines.current!, commands, anchor ?? cell.node);
    }
  });
  commands.addCommand(CommandIds.openOutputs, {
    label: args => labelOf(args) ?? trans.__('Open the Step’s Executed Cells'),
    mnemonic: args => (labelOf(args) === undefined ? 17 : -1),
    caption: trans.__('The cells of the step with their outputs, as they ran in the pipeline.'),
    isEnabled: args => {
      const step = stepOf(pipelines.current, args);
      const { steps } = runOf(pipelines.current, args) ?? {};
      return steps?.some(({ name, state }) => name === step && hasOutcome(state)) ?? false;
    },
    execute: args => {
      const [step, run] = [stepOf(pipelines.current, args), runOf(pipelines.current, args)];
      if (pipelines.current && run && step !== undefined) openOutputs(pipelines.current, run, step);
    }
  });
}

export const paletteCommands: readonly string[] = [
  CommandIds.showPanel,
  CommandIds.runPipeline,
  CommandIds.runOnly,
  CommandIds.runFrom,
  CommandIds.runTo,
  CommandIds.runAnew,
  CommandIds.resumeRun,
  CommandIds.verify,
  CommandIds.exportPipeline,
  CommandIds.takeOverKale,
  CommandIds.cancelRun,
  CommandIds.makeStep,
  CommandIds.joinStepAbove,
  CommandIds.renameStep,
  CommandIds.editSettings,
  CommandIds.markImports,
  CommandIds.markFunctions,
  CommandIds.markParameters,
  CommandIds.markMetrics,
  CommandIds.markSkip,
  CommandIds.suggestSteps,
  CommandIds.openCellMenu,
  CommandIds.openOutputs,
  CommandIds.loadValues,
  CommandIds.undo,
  CommandIds.redo
];
