// From Elyra's nodes to one notebook with a step for each, or to a notebook for each node. Both are nbformat 4.5, without outputs.
import { readNotebook, type Cell } from '../notebook.js';
import type { JsonValue } from '../pipeline.js';
import type { StepSpec } from '../step.js';
import { withoutRole, withPrevious, withStep } from '../tags.js';
import type { ElyraNode, ElyraPipeline } from './elyra.js';

export interface ImportedNotebook {
  /** without folder and extension */
  readonly name: string;
  readonly notebook: object;
  readonly steps: number;
}

export interface Import {
  readonly notebooks: readonly ImportedNotebook[];
  /** one sentence for each thing that is not kept, or that is to be looked at */
  readonly notes: readonly string[];
}

/** `files` has the texts of the nodes' notebooks and scripts, as far as they could be read. `name` is the file's own. */
export function importElyra(
  pipeline: ElyraPipeline,
  files: ReadonlyMap<string, string>,
  name: string,
  separate = false
): Import {
  const notes = [...pipeline.notes];
  const nodes = pipeline.nodes.map(node => readNode(node, files, notes));
  const metadata = toMetadata(pipeline, name, nodes);
  if (!separate) {
    const folders = new Set(pipeline.nodes.map(({ file }) => folderOf(file)).filter(Boolean));
    for (const folder of folders)
      notes.push(
        `What is in ‘${folder}/’ ran in that folder; here all steps run in the notebook's. Look at its paths.`
      );
    const steps = Object.fromEntries(
      nodes.flatMap(({ node }) => (Object.keys(node.spec).length === 0 ? [] : [[node.name, node.spec]]))
    );
    const sluice = { ...metadata.sluice, ...(Object.keys(steps).length === 0 ? {} : { steps }) };
    const cells = [...headCells(pipeline, name), ...nodes.flatMap(({ cells }) => cells)];
    return { notebooks: [toNotebook(name, cells, { ...metadata, sluice }, nodes.length)], notes };
  }
  if (pipeline.nodes.some(({ after }) => after.length > 0))
    notes.push('Each notebook is a pipeline of its own now; the order in which they ran is not kept.');
  const notebooks = nodes.map(({ node, cells }) => {
    const sluice = { version: 1, name: node.name, defaults: { ...pipeline.defaults, ...node.spec } };
    const own = cells.map(cell => ({
      ...cell,
      metadata: { ...cell.metadata, ...tagged(withPrevious(cell.metadata.tags ?? [], [])) }
    }));
    return toNotebook(node.name, [...parameterCells(pipeline), ...own], { ...metadata, sluice }, 1);
  });
  return { notebooks, notes };
}

interface RawCell {
  readonly cell_type: 'code' | 'markdown' | 'raw';
  readonly source: string;
  readonly metadata: { readonly tags?: readonly string[] };
}

interface Read {
  readonly node: ElyraNode;
  readonly cells: readonly RawCell[];
  readonly kernel?: string;
}

const code = (source: string, tags: readonly string[] = []): RawCell => ({
  cell_type: 'code',
  source,
  metadata: tagged(tags)
});
const markdown = (source: string): RawCell => ({ cell_type: 'markdown', source, metadata: {} });
const tagged = (tags: readonly string[]): RawCell['metadata'] => (tags.length === 0 ? {} : { tags });

function folderOf(file: string): string {
  return file.includes('/') ? file.slice(0, file.lastIndexOf('/')) : '';
}

// The step's tag is on its first code cell; what the node's own notebook had of roles goes.
function readNode(node: ElyraNode, files: ReadonlyMap<string, string>, notes: string[]): Read {
  const { cells, kernel } = findCells(node, files.get(node.file), notes);
  const environment = node.parameters.length === 0 ? [] : [code(toEnvironment(node.parameters))];
  const all = [...environment, ...cells];
  if (!all.some(cell => cell.cell_type === 'code')) all.push(code('pass'));
  const head = all.findIndex(cell => cell.cell_type === 'code');
  const own = all.map((cell, i) => {
    const tags = withoutRole(cell.metadata.tags ?? []);
    return { ...cell, metadata: tagged(i === head ? withPrevious(withStep(tags, node.name), node.after) : tags) };
  });
  return { node, cells: own, ...(kernel === undefined ? {} : { kernel }) };
}

// Elyra hands parameters over as variables of the environment.
function toEnvironment(names: readonly string[]): string {
  return ['import os', ...names.map(name => `os.environ['${name}'] = str(${name})`)].join('\n');
}

function findCells(node: ElyraNode, text: string | undefined, notes: string[]): Pick<Read, 'cells' | 'kernel'> {
  const lost = (reason: string): Pick<Read, 'cells'> => {
    notes.push(`Step ‘${node.name}’ has no cells of ‘${node.file}’: ${reason} Put them into the step's cell.`);
    return { cells: [code(`raise NotImplementedError(${JSON.stringify(`The cells of ${node.file} are missing.`)})`)] };
  };
  if (text === undefined) return lost('the file is not there.');
  if (node.kind === 'script') return { cells: [code(text.trimEnd())] };
  const { notebook, diagnostics } = readNotebook(text);
  if (notebook === undefined) return lost(diagnostics[0]?.message ?? 'it can’t be read.');
  if (notebook.language !== undefined && !/^i?python\d*$/.test(notebook.language))
    return lost(`its language is ‘${notebook.language}’.`);
  const cells = notebook.cells.map(({ type, source, tags }: Cell): RawCell => ({
    cell_type: type,
    source,
    metadata: tagged(tags)
  }));
  return { cells, ...(notebook.kernel === undefined ? {} : { kernel: notebook.kernel }) };
}

function headCells(pipeline: ElyraPipeline, name: string): readonly RawCell[] {
  const title = [`# ${pipeline.name ?? name}`, pipeline.description ?? '', ...pipeline.comments]
    .filter(Boolean)
    .join('\n\n');
  return [markdown(title), ...parameterCells(pipeline)];
}

function parameterCells({ parameters }: ElyraPipeline): readonly RawCell[] {
  const lines = parameters.map(({ name, value }) => `${name} = ${toPython(value)}`);
  return lines.length === 0 ? [] : [code(lines.join('\n'), ['pipeline-parameters'])];
}

function toPython(value: JsonValue): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (Array.isArray(value)) return `[${value.map(toPython).join(', ')}]`;
  if (typeof value === 'object')
    return `{${Object.entries(value)
      .map(([key, item]) => `${JSON.stringify(key)}: ${toPython(item as JsonValue)}`)
      .join(', ')}}`;
  return JSON.stringify(value);
}

function toMetadata({ name: given, description, defaults }: ElyraPipeline, name: string, nodes: readonly Read[]) {
  const kernel = nodes.find(node => node.kernel !== undefined)?.kernel ?? 'python3';
  return {
    kernelspec: { display_name: kernel === 'python3' ? 'Python 3' : kernel, language: 'python', name: kernel },
    language_info: { name: 'python' },
    sluice: {
      version: 1,
      name: given ?? name,
      ...(description === undefined ? {} : { description }),
      ...withDefaults(defaults)
    }
  };
}

function withDefaults(defaults: StepSpec): { readonly defaults?: StepSpec } {
  return Object.keys(defaults).length === 0 ? {} : { defaults };
}

function toNotebook(name: string, cells: readonly RawCell[], metadata: object, steps: number): ImportedNotebook {
  const own = cells.map((cell, i) => ({
    cell_type: cell.cell_type,
    ...(cell.cell_type === 'code' ? { execution_count: null } : {}),
    id: `cell-${i + 1}`,
    metadata: cell.metadata,
    ...(cell.cell_type === 'code' ? { outputs: [] } : {}),
    source: cell.source
  }));
  return { name, notebook: { cells: own, metadata, nbformat: 4, nbformat_minor: 5 }, steps };
}
