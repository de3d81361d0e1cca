// Elyra keeps a pipeline as a drawing in a `.pipeline` file: nodes that run a notebook or a script each, and links between them. This module
// reads one, of any version, into nodes in an order in which they can run.
import { findCycles, topologicalOrder } from '../graph.js';
import { describeType, isRecord, readJson, saysSomething, type JsonRecord } from '../json.js';
import type { JsonValue } from '../pipeline.js';
import type { StepSpec } from '../step.js';
import { readElyraSettings } from './elyra-settings.js';

export interface ElyraNode {
  /** as people see it */
  readonly name: string;
  /** of the notebook or script, from the pipeline's folder */
  readonly file: string;
  readonly kind: 'notebook' | 'script';
  /** names of the nodes before it, those that were left out bridged */
  readonly after: readonly string[];
  readonly spec: StepSpec;
  /** pipeline parameters that it finds in its environment */
  readonly parameters: readonly string[];
}

export interface ElyraParameter {
  readonly name: string;
  readonly value: JsonValue;
}

export interface ElyraPipeline {
  readonly name?: string;
  readonly description?: string;
  readonly defaults: StepSpec;
  readonly parameters: readonly ElyraParameter[];
  /** none before one that it comes after; their names differ */
  readonly nodes: readonly ElyraNode[];
  /** texts that people wrote beside the drawing */
  readonly comments: readonly string[];
  /** one sentence for each thing that is not kept */
  readonly notes: readonly string[];
}

/** What is no pipeline at all is a sentence that says why. */
export function readElyra(text: string): ElyraPipeline | string {
  const reading = readJson(text.replace(/^\uFEFF/, ''));
  if (!('value' in reading)) return `The file is not valid JSON: ${reading.message}.`;
  const document = reading.value;
  const pipelines = isRecord(document) && Array.isArray(document.pipelines) ? document.pipelines.filter(isRecord) : [];
  const primary =
    pipelines.find(pipeline => isRecord(document) && pipeline.id === document.primary_pipeline) ?? pipelines[0];
  if (primary === undefined)
    return `The file is no pipeline of Elyra's: it holds ${describeType(document)} without ‘pipelines’.`;
  const app = recordOf(primary.app_data);
  const properties = recordOf(app.properties);
  const notes: string[] = [];
  const say = (note: string): void => void (notes.includes(note) || notes.push(note));
  const nodes = findNodes(primary, pipelines, say);
  const runtime = app.runtime_type;
  if (typeof runtime === 'string' && /AIRFLOW/i.test(runtime))
    say('The pipeline was made for Airflow; here its steps run as Sluice runs them.');
  if (saysSomething(app.runtime_config))
    say(
      `The pipeline named Elyra's runtime configuration ‘${String(app.runtime_config)}’, which is not kept: choose in the panel where it runs.`
    );
  for (const key of Object.keys(properties).filter(key => !known.includes(key) && saysSomething(properties[key])))
    say(`The pipeline's property ‘${key}’ is none that Sluice knows; it is not kept.`);
  return {
    ...textOf('name', properties.name ?? app.name),
    ...textOf('description', properties.description),
    defaults: readElyraSettings(recordOf(properties.pipeline_defaults), 'The pipeline’s defaults', say),
    parameters: readParameters(properties.pipeline_parameters, say),
    nodes: toOrder(nodes, say),
    comments: recordsOf(recordOf(app.ui_data).comments).flatMap(({ content }) =>
      typeof content === 'string' ? [content] : []
    ),
    notes
  };
}

/** of a pipeline's own properties; its runtime is told of by `runtime_type` */
const known = ['name', 'description', 'runtime', 'pipeline_defaults', 'pipeline_parameters'];

type Say = (note: string) => void;

function recordOf(value: unknown): JsonRecord {
  return isRecord(value) ? value : {};
}

function recordsOf(value: unknown): readonly JsonRecord[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

function textOf<K extends string>(key: K, value: unknown): { readonly [key in K]?: string } {
  return (typeof value === 'string' && value.trim() !== '' ? { [key]: value.trim() } : {}) as {
    readonly [key in K]?: string;
  };
}

// A node of the drawing, with the ids of those before it.
interface Drawn {
  readonly id: string;
  readonly node: JsonRecord;
  readonly before: readonly string[];
}

// A node may stand for a drawing of its own, whose edges are `binding` nodes; all drawings become one.
function findNodes(pipeline: JsonRecord, pipelines: readonly JsonRecord[], say: Say, depth = 0): readonly Drawn[] {
  if (depth > 20) return [];
  const nodes = recordsOf(pipeline.nodes);
  const within = new Map(
    nodes
      .filter(node => node.type === 'super_node')
      .map(node => {
        const inner = pipelines.find(other => other.id === recordOf(node.subflow_ref).pipeline_id_ref);
        return [String(node.id), inner === undefined ? [] : findNodes(inner, pipelines, say, depth + 1)] as const;
      })
  );
  const resolve = (link: JsonRecord): readonly string[] => {
    const inner = within.get(String(link.node_id_ref));
    if (inner === undefined) return [String(link.node_id_ref)];
    const named = inner.find(({ id }) => String(link.port_id_ref ?? '').startsWith(id));
    return named === undefined ? inner.map(({ id }) => id) : [named.id];
  };
  const linksOf = (input: JsonRecord): readonly string[] => recordsOf(input.links).flatMap(resolve);
  return nodes.flatMap((node): readonly Drawn[] => {
    const inputs = recordsOf(node.inputs);
    if (node.type === 'execution_node') return [{ id: String(node.id), node, before: inputs.flatMap(linksOf) }];
    if (node.type !== 'super_node') return [];
    const through = new Map(inputs.map(input => [String(input.subflow_node_ref), linksOf(input)]));
    return (within.get(String(node.id)) ?? []).map(drawn => ({
      ...drawn,
      before: drawn.before.flatMap(id => through.get(id) ?? [id])
    }));
  });
}

const kinds: Readonly<Record<string, ElyraNode['kind']>> = {
  'execute-notebook-node': 'notebook',
  'execute-python-node': 'script'
};

function toOrder(drawn: readonly Drawn[], say: Say): readonly ElyraNode[] {
  const kept = drawn.filter(({ node }) => isKept(node, say));
  const names = toNames(kept);
  const before = new Map(drawn.map(({ id, before }) => [id, before]));
  const nodes = kept.map(({ id, node }) => toNode(names.get(id)!, node, bridge(id, before, names), say));
  const [cycle] = findCycles(nodes);
  if (cycle !== undefined) {
    say(
      `The nodes ${cycle.map(name => `‘${name}’`).join(', ')} wait for each other. Their order is the one in which they stand in the file.`
    );
    return nodes.map(node => ({ ...node, after: [] }));
  }
  return topologicalOrder(nodes).map(name => nodes.find(node => node.name === name)!);
}

function isKept(node: JsonRecord, say: Say): boolean {
  const op = String(node.op ?? '');
  const { file, label } = describe(node);
  if (kinds[op] === undefined)
    say(
      op === 'execute-r-node'
        ? `The node ‘${label}’ runs the R script ‘${file}’, and Sluice runs Python. It is left out.`
        : `The node ‘${label}’ is a component of a catalog (‘${op}’), which is no notebook and no Python script. It is left out; write what it does as a cell.`
    );
  else if (file === '') say(`The node ‘${label}’ names no file. It is left out.`);
  return kinds[op] !== undefined && file !== '';
}

function describe(node: JsonRecord): { readonly file: string; readonly label: string } {
  const app = recordOf(node.app_data);
  const { filename } = { ...app, ...recordOf(app.component_parameters) } as JsonRecord;
  const file = typeof filename === 'string' ? filename : '';
  const label = [app.label, recordOf(app.ui_data).label, file].find(
    text => typeof text === 'string' && text.trim() !== ''
  );
  return { file, label: String(label ?? node.id) };
}

// Steps' names, from what people see: `a-notebook.ipynb` is `a-notebook`.
function toNames(drawn: readonly Drawn[]): ReadonlyMap<string, string> {
  const taken = new Set<string>();
  return new Map(
    drawn.map(({ id, node }) => {
      const { label } = describe(node);
      const stem = label.replace(/^.*\//, '').replace(/\.(ipynb|py)$/, '');
      const clean =
        [...stem.replace(/[^\p{L}\p{M}\p{N}_.-]+/gu, '_').replace(/^[-.\p{M}]+|_+$/gu, '')].slice(0, 60).join('') ||
        'step';
      let name = clean;
      for (let n = 2; taken.has(name); n++) name = `${clean}_${n}`;
      taken.add(name);
      return [id, name];
    })
  );
}

// Who comes after a node that is left out comes after those before it.
function bridge(
  id: string,
  before: ReadonlyMap<string, readonly string[]>,
  names: ReadonlyMap<string, string>
): readonly string[] {
  const found = new Set<string>();
  const seen = new Set<string>();
  const visit = (other: string): void => {
    if (seen.has(other)) return;
    seen.add(other);
    const name = names.get(other);
    if (name === undefined) before.get(other)?.forEach(visit);
    else found.add(name);
  };
  before.get(id)?.forEach(visit);
  return [...found];
}

function toNode(name: string, node: JsonRecord, after: readonly string[], say: Say): ElyraNode {
  const app = recordOf(node.app_data);
  // before version 4 the settings stood beside the label
  const settings = { ...app, ...recordOf(app.component_parameters) } as JsonRecord;
  const { file } = describe(node);
  const dependencies = textsOf(settings.dependencies).filter(path => /^[a-z]+:\/\//.test(path));
  if (dependencies.length > 0)
    say(
      `The node ‘${name}’ fetches ${dependencies.map(path => `‘${path}’`).join(', ')} first, which is not kept: fetch it in a cell.`
    );
  return {
    name,
    file,
    kind: kinds[String(node.op)]!,
    after,
    spec: readElyraSettings(settings, `The settings of the node ‘${name}’`, say),
    parameters: textsOf(settings.pipeline_parameters)
  };
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string' && item !== '') : [];
}

function readParameters(value: unknown, say: Say): readonly ElyraParameter[] {
  return recordsOf(value).flatMap(({ name, default_value, value: given, required, description }) => {
    if (typeof name !== 'string' || !/^[\p{L}_][\p{L}\p{N}_]*$/u.test(name)) {
      say(`The pipeline's parameter ‘${String(name)}’ has no name that Python takes. It is left out.`);
      return [];
    }
    const initial = isRecord(default_value)
      ? default_value.value
      : (default_value ?? (isRecord(given) ? given.value : given));
    if (saysSomething(description))
      say(
        `What was written about the parameter ‘${name}’ is not kept: ‘${String(description)}’. Write it beside it, as a comment.`
      );
    if (initial === undefined && required === true)
      say(`The parameter ‘${name}’ had to be given for each run; here it is None until it is.`);
    return [{ name, value: (initial ?? null) as JsonValue }];
  });
}
