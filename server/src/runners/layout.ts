// Where a run keeps what. All of it is below .sluice/runs/ID/, so that a run can be deleted, or carried away, as one folder.
import { join } from 'node:path';
import { fileName, runFolder } from '../home.js';

export interface Layout {
  readonly folder: string;
  /** the IR as it was submitted */
  readonly ir: string;
  /** the notebook as it was submitted */
  readonly notebook: string;
  readonly workspace: string;
  stepFolder(step: string): string;
  /** ExecutorOutput of the step */
  outputFile(step: string): string;
  artifact(step: string, key: string): string;
}

export function layoutOf(home: string, run: string): Layout {
  const folder = runFolder(home, run);
  const stepFolder = (step: string) => join(folder, 'steps', fileName(step));
  return {
    folder,
    ir: join(folder, 'pipeline.yaml'),
    notebook: join(folder, 'notebook.ipynb'),
    workspace: join(folder, 'workspace'),
    stepFolder,
    outputFile: step => join(stepFolder(step), 'output.json'),
    artifact: (step, key) => join(stepFolder(step), fileName(key))
  };
}
