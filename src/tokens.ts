// What the plugins share.
import { Token } from '@lumino/coreutils';
import type { Pipelines } from './pipelines';

export const IPipelines = new Token<Pipelines>(
  'jupyterlab-sluice:IPipelines',
  'The pipelines of the open notebooks: their steps, what is wrong with them, and their runs.'
);

export const CommandIds = {
  makeStep: 'sluice:make-step',
  joinStepAbove: 'sluice:join-step-above',
  markImports: 'sluice:mark-imports',
  markFunctions: 'sluice:mark-functions',
  markParameters: 'sluice:mark-parameters',
  markMetrics: 'sluice:mark-metrics',
  markSkip: 'sluice:mark-skip',
  renameStep: 'sluice:rename-step',
  editSettings: 'sluice:edit-step-settings',
  suggestSteps: 'sluice:suggest-steps',
  runPipeline: 'sluice:run-pipeline',
  runOnly: 'sluice:run-only',
  runFrom: 'sluice:run-from',
  runTo: 'sluice:run-to',
  runAnew: 'sluice:run-without-cache',
  resumeRun: 'sluice:resume-run',
  loadValues: 'sluice:load-values',
  openFile: 'sluice:open-file',
  downloadFile: 'sluice:download-file',
  restoreFiles: 'sluice:restore-files',
  verify: 'sluice:verify',
  exportPipeline: 'sluice:export-pipeline',
  takeOverKale: 'sluice:take-over-kale',
  openElyra: 'sluice:open-elyra-pipeline',
  cancelRun: 'sluice:cancel-run',
  showPanel: 'sluice:show-panel',
  openCellMenu: 'sluice:open-cell-menu',
  openOutputs: 'sluice:open-outputs',
  undo: 'sluice:undo',
  redo: 'sluice:redo'
} as const;
