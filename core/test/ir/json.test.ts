// IR that was printed for programs is read again as it was, without a schema.
import { parsePrintedIr, printIrAsJson, type Ir } from '../../src';

const pipeline: Ir['pipeline'] = { pipelineInfo: { name: 'a\n---\nb' }, schemaVersion: '2.1.0' };

test.each<[string, Ir]>([
  ['a pipeline', { pipeline }],
  ['a pipeline and what its platform needs', { pipeline, platform: { platforms: { kubernetes: {} } } }]
])('%s', (_, ir) => expect(parsePrintedIr(printIrAsJson(ir))).toEqual(ir));
