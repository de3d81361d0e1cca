// IR from outside is checked as strictly as Kubeflow does it, so that a misspelt key is named here and not ignored there.
import { fromJson, toJson, type DescMessage, type JsonValue } from '@bufbuild/protobuf';
import { parseAllDocuments } from 'yaml';
import { describeType, isRecord, type JsonRecord } from '../json.js';
import { KubernetesExecutorConfigSchema } from './gen/kubernetes_executor_config_pb.js';
import {
  PipelineDeploymentConfigSchema,
  PipelineSpecSchema,
  PlatformSpecSchema,
  type PipelineSpecJson,
  type PlatformSpecJson
} from './gen/pipeline_spec_pb.js';
import { IrError, type Ir } from './ir.js';
import { between } from './json.js';

/**
 * Read YAML or JSON of one or two documents.
 * @throws IrError where it is no IR: not YAML, an unknown key, a value of a wrong type, another schema version
 */
export function readIr(text: string): Ir {
  const [pipeline, platform, ...more] = readDocuments(text);
  if (!isRecord(pipeline)) throw new IrError(`The IR must be an object, but it is ${describeType(pipeline)}.`);
  if (more.length > 0)
    throw new IrError('The IR has more than two documents. It is one pipeline, and at most one platform.');
  const version = pipeline.schemaVersion;
  if (version === undefined && ('apiVersion' in pipeline || 'nbformat' in pipeline))
    throw new IrError(
      'nbformat' in pipeline
        ? 'The file is a notebook, not IR.'
        : 'The file is a Kubernetes manifest of KFP 1, not IR. Compile the pipeline with KFP 2, or from its notebook.'
    );
  if (version !== '2.1.0')
    throw new IrError(
      `The IR has the schema version ‘${String(version ?? '')}’; Sluice reads ‘2.1.0’. Compile the pipeline again.`
    );
  const spec = check(PipelineSpecSchema, pipeline, '') as PipelineSpecJson;
  check(PipelineDeploymentConfigSchema, pipeline.deploymentSpec ?? {}, 'deploymentSpec');
  if (spec.root?.dag === undefined) throw new IrError('The IR has no ‘root.dag’, and so no tasks.', 'root');
  return platform === undefined ? { pipeline: spec } : { pipeline: spec, platform: readPlatform(platform) };
}

function readDocuments(text: string): readonly unknown[] {
  if (text.startsWith('{'))
    try {
      return text.split(`\n${between}`).map(document => JSON.parse(document) as unknown);
    } catch {
      // YAML may begin like that, and says better what is wrong
    }
  // in 1.2 `yes` is a text, in 1.1 a boolean: Kubeflow reads 1.1 and so do we
  const documents = parseAllDocuments(text, { version: '1.1', merge: false, logLevel: 'silent' });
  if ('empty' in documents) throw new IrError('The IR is empty.');
  return documents.map(document => {
    const [error] = document.errors;
    if (error === undefined) return document.toJS({ maxAliasCount: 100 }) as unknown;
    const [{ line, col } = { line: 1, col: 1 }] = error.linePos ?? [];
    throw new IrError(`The IR is not valid YAML: line ${line}, column ${col}: ${error.message.split(' at line')[0]}.`);
  });
}

function readPlatform(json: unknown): PlatformSpecJson {
  const platform = check(PlatformSpecSchema, json, '') as PlatformSpecJson;
  for (const [name, { deploymentSpec }] of Object.entries(platform.platforms ?? {}))
    for (const [executor, config] of Object.entries(deploymentSpec?.executors ?? {}))
      if (name === 'kubernetes')
        check(KubernetesExecutorConfigSchema, config, `platforms.kubernetes.deploymentSpec.executors.${executor}`);
  return platform;
}

function check(schema: DescMessage, json: unknown, path: string): unknown {
  try {
    return toJson(schema, fromJson(schema, json as JsonValue));
  } catch (error) {
    const reason = (error as Error).message
      .replace(/^cannot (?:decode|encode) (?:message |field )?/, '')
      .replace(/ml_pipelines\./g, '');
    const key = /key "(.+?)" is unknown/.exec(reason)?.[1];
    const place = key === undefined ? path : (findKey(json, key, path) ?? path);
    const where = place === '' ? '' : ` at ‘${place}’`;
    throw new IrError(
      key === undefined
        ? `The IR is not valid${where}: ${reason}.`
        : `The IR has the unknown key ‘${key}’${where}. Correct or remove it.`,
      place
    );
  }
}

function findKey(json: unknown, key: string, path: string): string | undefined {
  if (Array.isArray(json)) {
    for (const [i, item] of json.entries()) {
      const found = findKey(item, key, `${path}[${i}]`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (!isRecord(json)) return undefined;
  const below = (name: string): string => (path === '' ? name : `${path}.${name}`);
  if (Object.hasOwn(json as JsonRecord, key)) return below(key);
  for (const [name, value] of Object.entries(json)) {
    const found = findKey(value, key, below(name));
    if (found !== undefined) return found;
  }
  return undefined;
}
