// Notebooks read from beside their folder: `pd.read_csv("../data/rides.csv")`. A run's copy has to have what the steps' source names so, and
// the folders that the notebook's metadata name.
import { readStepArgument, type Plan } from '@sluice/core';
import { scanWorkspace, workspaceLimits, type WorkspaceScan } from '../scan.js';

/** @throws PipelineError `workspace-too-large`; `folder` is the notebook's, `home` that of our records */
export async function scanFor(
  plan: Plan,
  folder: string,
  home: string,
  env: NodeJS.ProcessEnv
): Promise<WorkspaceScan> {
  const { folders = [], gitignore = false } = plan.workspace;
  return scanWorkspace(folder, [...findOutsidePaths(plan), ...folders], {
    limits: workspaceLimits(env),
    home,
    gitignore
  });
}

/** Relative paths that begin with `..` in the source of the plan's steps; of patterns and f-strings the part before the first blank space to fill. */
function findOutsidePaths(plan: Plan): string[] {
  const paths = new Set<string>();
  for (const { args } of plan.tasks) {
    const step = readStepArgument(args);
    for (const { source } of step?.cells ?? []) findIn(source, paths);
    for (const item of step?.setup ?? []) if (item.kind === 'source') findIn(item.source, paths);
  }
  return [...paths];
}

const literal = /(["'])(\.\.(?:\/[^"'\n]*)?)\1/g;
/** in lines for the shell or IPython nothing is quoted */
const command = /^\s*[!%].*$/gm;
const bare = /(?<=[\s=])\.\.(?:\/[^\s"';|&>)]*)?/g;

function findIn(source: string, paths: Set<string>): void {
  for (const [, , path] of source.matchAll(literal)) paths.add(toStatic(path!));
  for (const [line] of source.matchAll(command)) for (const [path] of line.matchAll(bare)) paths.add(toStatic(path));
}

/** `../data/*.csv` and `../data/{name}.csv` mean the folder `../data`. */
function toStatic(path: string): string {
  const end = path.search(/[*?[{]/);
  if (end < 0) return path;
  return path.slice(0, path.lastIndexOf('/', end)) || '..';
}
