// Pipelines written by hand, for what notebooks cannot easily be made to say.
import type { Bundle, Parameter, Pipeline, PipelineStep } from '../../src/pipeline.js';
import { toStepSettings, type StepSpec } from '../../src/step.js';

export const options = {
  runtime: { boot: 'BOOT', packed: 'RUNTIME' },
  image: 'python:3.12',
  snapshot: { program: 'SNAPSHOT', image: 'python:3.12' }
};

type Parts = Partial<Omit<PipelineStep, 'name' | 'settings' | 'cells'>> & {
  source?: string;
  spec?: StepSpec;
  cell?: number;
};

export function step(name: string, { source = 'pass', spec = {}, cell = 0, ...rest }: Parts = {}): PipelineStep {
  const cells = [{ index: cell, source, isMetrics: false }];
  return {
    name,
    cells,
    after: [],
    parameters: [],
    setup: [],
    outputs: [],
    settings: toStepSettings({}, spec),
    ...rest
  };
}

export function bundle(artifact: string, ...names: string[]): Bundle {
  return { artifact, names };
}

export function parameter(name: string, type: Parameter['type'], value: Parameter['default']): Parameter {
  return { name, type, default: value, isNullable: value === null, range: { cell: 0, from: 0, to: 0 } };
}

export function pipeline(...steps: PipelineStep[]): Pipeline {
  return { name: 'My pipeline', description: '', workspace: {}, parameters: [], steps, flows: [], diagnostics: [] };
}
