// What the test server knows of executions and artifacts, told as Kubeflow's metadata service tells it: protobuf in gRPC-web frames.
import { create, toBinary, type JsonObject } from '@bufbuild/protobuf';
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { StructSchema, ValueSchema } from '@bufbuild/protobuf/wkt';
import { fromJson } from '@bufbuild/protobuf';

export interface Execution {
  readonly id: number;
  /** of MLMD: RUNNING 2, COMPLETE 3, FAILED 4, CACHED 5 */
  state: number;
  readonly properties: Readonly<Record<string, string>>;
}

export interface Artifact {
  readonly id: number;
  readonly uri: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

export interface Known {
  readonly executions: readonly Execution[];
  readonly artifacts: readonly Artifact[];
}

/** Answers `METHOD` of the service; undefined where it has no such method. `find` looks a run up by its id, `at` by its context's number. */
export function answerMetadata(
  method: string,
  request: Buffer,
  runs: { find(run: string): number | undefined; at(context: number): Known }
): Buffer | undefined {
  const asked = readFields(request.subarray(5));
  if (method === 'GetContextByTypeAndName') {
    const context = runs.find(String(asked.get(2)));
    return frame(
      context === undefined
        ? new Uint8Array()
        : message(w =>
            field(
              w,
              1,
              message(c => id(c, context))
            )
          )
    );
  }
  const context = Number(asked.get(1));
  const { executions, artifacts } = runs.at(context);
  if (method === 'GetExecutionsByContext')
    return frame(
      message(w => {
        for (const execution of executions)
          field(
            w,
            1,
            message(e => {
              id(e, execution.id);
              e.tag(3, WireType.Varint).int32(execution.state);
              properties(e, execution.properties);
            })
          );
      })
    );
  if (method === 'GetArtifactsByContext')
    return frame(
      message(w => {
        for (const artifact of artifacts)
          field(
            w,
            1,
            message(a => {
              id(a, artifact.id);
              a.tag(3, WireType.LengthDelimited).string(artifact.uri);
              properties(a, artifact.properties);
            })
          );
      })
    );
  return undefined;
}

function readFields(bytes: Uint8Array): Map<number, unknown> {
  const reader = new BinaryReader(bytes);
  const fields = new Map<number, unknown>();
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (type === WireType.Varint) fields.set(number, reader.int64());
    else if (type === WireType.LengthDelimited) fields.set(number, Buffer.from(reader.bytes()).toString('utf8'));
    else reader.skip(type, number);
  }
  return fields;
}

function message(write: (writer: BinaryWriter) => void): Uint8Array {
  const writer = new BinaryWriter();
  write(writer);
  return writer.finish();
}

const field = (writer: BinaryWriter, number: number, bytes: Uint8Array) =>
  writer.tag(number, WireType.LengthDelimited).bytes(bytes);
const id = (writer: BinaryWriter, value: number) => writer.tag(1, WireType.Varint).int64(value);

/** map<string, Value> custom_properties = 5 */
function properties(writer: BinaryWriter, values: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(values))
    field(
      writer,
      5,
      message(entry => {
        entry.tag(1, WireType.LengthDelimited).string(name);
        field(
          entry,
          2,
          message(v => writeValue(v, value))
        );
      })
    );
}

/** As KFP's launcher does it: whatever is no plain value is a Struct, a list in it under ‘list’. */
function writeValue(writer: BinaryWriter, value: unknown): void {
  if (typeof value === 'string') writer.tag(3, WireType.LengthDelimited).string(value);
  else if (typeof value === 'number') writer.tag(2, WireType.Bit64).double(value);
  else if (typeof value === 'boolean') writer.tag(6, WireType.Varint).bool(value);
  else {
    const struct = Array.isArray(value) ? { list: value } : (value as JsonObject);
    const fields = Object.entries(struct).map(([key, item]) => [key, fromJson(ValueSchema, item)] as const);
    field(writer, 4, toBinary(StructSchema, create(StructSchema, { fields: Object.fromEntries(fields) })));
  }
}

/** A data frame, then the trailers' frame with the status. */
function frame(bytes: Uint8Array): Buffer {
  const of = (flag: number, content: Uint8Array) => {
    const head = Buffer.alloc(5);
    head.writeUInt8(flag, 0);
    head.writeUInt32BE(content.length, 1);
    return Buffer.concat([head, content]);
  };
  return Buffer.concat([of(0, bytes), of(0x80, Buffer.from('grpc-status:0\r\ngrpc-message:\r\n'))]);
}
