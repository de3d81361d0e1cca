// Kubeflow's metadata service knows what its REST API does not tell: which step came from cache, in which pod it ran, where its artifacts are
// and what was said of them. It speaks protobuf in gRPC-web frames; of its messages (ML Metadata 1.14) only a few fields are read.
import { fromBinary, toJson } from '@bufbuild/protobuf';
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { StructSchema } from '@bufbuild/protobuf/wkt';
import { isRecord } from '@sluice/core';
import type { Transport } from './transport.js';

export interface KfpExecution {
  readonly id: number;
  /** the task's key in the IR */
  readonly task: string;
  readonly state: 'running' | 'complete' | 'failed' | 'cached' | 'canceled' | 'unknown';
  /** undefined until it has one, and for what came from cache */
  readonly pod?: string;
  readonly namespace?: string;
}

export interface KfpArtifact {
  readonly uri: string;
  /** the key of the task that made it, and its own among the task's outputs, as the uri has them */
  readonly task: string;
  readonly name: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

export interface RunMetadata {
  readonly executions: readonly KfpExecution[];
  readonly artifacts: readonly KfpArtifact[];
}

const contextType = 'system.PipelineRun';
/** of a list, so many a page; without it the service gives 20 */
const pageSize = 100;

/** Undefined while the service knows nothing of the run. @throws PipelineError where the service can't be asked */
export async function readMetadata(
  root: Transport,
  run: string,
  signal: AbortSignal
): Promise<RunMetadata | undefined> {
  const ask = (method: string, request: Uint8Array) => askService(root, method, request, signal);
  const found = await ask(
    'GetContextByTypeAndName',
    write(w => w.tag(1, WireType.LengthDelimited).string(contextType).tag(2, WireType.LengthDelimited).string(run))
  );
  const context = messages(found, 1)[0];
  const id = context && numberAt(context, 1);
  if (id === undefined) return undefined;
  const listAll = async (method: string, pageTokenAt: number): Promise<Uint8Array[]> => {
    const all: Uint8Array[] = [];
    for (let token = ''; ;) {
      const page = await ask(
        method,
        write(w => writePage(w, id, token))
      );
      all.push(...messages(page, 1));
      token = textAt(page, pageTokenAt) ?? '';
      if (token === '') return all;
    }
  };
  const executions = await listAll('GetExecutionsByContext', 2);
  const artifacts = await listAll('GetArtifactsByContext', 2);
  return { executions: executions.flatMap(toExecution), artifacts: artifacts.flatMap(toArtifact) };
}

function writePage(writer: BinaryWriter, context: number, token: string): void {
  const options = write(w => {
    w.tag(1, WireType.Varint).int32(pageSize);
    if (token !== '') w.tag(3, WireType.LengthDelimited).string(token);
  });
  writer.tag(1, WireType.Varint).int64(context).tag(2, WireType.LengthDelimited).bytes(options);
}

async function askService(
  root: Transport,
  method: string,
  request: Uint8Array,
  signal: AbortSignal
): Promise<Uint8Array> {
  const type = 'application/grpc-web+proto';
  const head = Buffer.alloc(5);
  head.writeUInt32BE(request.length, 1);
  const response = await root.send(`/ml_metadata.MetadataStoreService/${method}`, {
    method: 'POST',
    headers: { 'content-type': type, accept: type, 'x-grpc-web': '1' },
    body: Buffer.concat([head, request]),
    signal
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  if (!response.ok || !(response.headers.get('content-type') ?? '').includes('grpc-web'))
    throw new Error(`Kubeflow’s metadata service answered with status ${response.status}.`);
  return readFrames(bytes);
}

/** What the data frames hold; the last frame has the service's status. */
function readFrames(bytes: Buffer): Uint8Array {
  const data: Buffer[] = [];
  for (let at = 0; at + 5 <= bytes.length;) {
    const length = bytes.readUInt32BE(at + 1);
    const content = bytes.subarray(at + 5, at + 5 + length);
    if ((bytes[at]! & 0x80) === 0) data.push(content);
    else {
      const [, status = '0'] = /grpc-status: ?(\d+)/i.exec(content.toString('latin1')) ?? [];
      const notFound = '5';
      if (status !== '0' && status !== notFound)
        throw new Error(`Kubeflow’s metadata service refused: ${content.toString('utf8').trim()}.`);
    }
    at += 5 + length;
  }
  return Buffer.concat(data);
}

const states: Readonly<Record<number, KfpExecution['state']>> = {
  1: 'running',
  2: 'running',
  3: 'complete',
  4: 'failed',
  5: 'cached',
  6: 'canceled'
};

function toExecution(bytes: Uint8Array): KfpExecution[] {
  const { task_name: task, pod_name: pod, namespace } = properties(bytes);
  if (typeof task !== 'string' || task === '') return []; // the run itself is an execution as well
  return [
    {
      id: numberAt(bytes, 1) ?? 0,
      task,
      state: states[numberAt(bytes, 3) ?? 0] ?? 'unknown',
      ...(typeof pod === 'string' && pod !== '' ? { pod } : {}),
      ...(typeof namespace === 'string' && namespace !== '' ? { namespace } : {})
    }
  ];
}

/** Its driver calls an artifact ROOT/PIPELINE/RUN/TASK/SALT/NAME. */
function toArtifact(bytes: Uint8Array): KfpArtifact[] {
  const uri = textAt(bytes, 3) ?? '';
  const [name, , task] = uri.split('/').reverse();
  return name && task ? [{ uri, task, name, metadata: properties(bytes) }] : [];
}

/** `custom_properties`: a map of names to values */
function properties(bytes: Uint8Array): Record<string, unknown> {
  return Object.fromEntries(
    messages(bytes, 5).map(entry => [textAt(entry, 1) ?? '', toValue(messages(entry, 2)[0] ?? new Uint8Array())])
  );
}

function toValue(bytes: Uint8Array): unknown {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1) return Number(reader.int64());
    if (field === 2) return reader.double();
    if (field === 3) return reader.string();
    if (field === 4) {
      const struct = toJson(StructSchema, fromBinary(StructSchema, reader.bytes()));
      return isRecord(struct) && Array.isArray(struct.list) && Object.keys(struct).length === 1 ? struct.list : struct;
    }
    if (field === 6) return reader.bool();
    reader.skip(type, field);
  }
  return undefined;
}

function write(work: (writer: BinaryWriter) => void): Uint8Array {
  const writer = new BinaryWriter();
  work(writer);
  return writer.finish();
}

function messages(bytes: Uint8Array, wanted: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === wanted && type === WireType.LengthDelimited) found.push(reader.bytes());
    else reader.skip(type, field);
  }
  return found;
}

function textAt(bytes: Uint8Array, wanted: number): string | undefined {
  const [found] = messages(bytes, wanted);
  return found && Buffer.from(found).toString('utf8');
}

function numberAt(bytes: Uint8Array, wanted: number): number | undefined {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === wanted && type === WireType.Varint) return Number(reader.int64());
    reader.skip(type, field);
  }
  return undefined;
}
