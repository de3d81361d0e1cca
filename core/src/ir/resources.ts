// CPU, memory and accelerators of a step, as KFP 2.14 and later write them: the new texts beside the deprecated numbers.
import type { StepSettings } from '../step.js';
import type { PipelineDeploymentConfig_PipelineContainerSpec_ResourceSpecJson as ResourceSpec } from './gen/pipeline_spec_pb.js';

/** Undefined where the step asks for nothing. */
export function toResources(settings: StepSettings): ResourceSpec | undefined {
  const { cpu, cpuLimit, memory, memoryLimit, gpu, gpuVendor } = settings;
  const count = String(gpu);
  const resources: ResourceSpec = {
    ...(cpuLimit === undefined ? {} : { cpuLimit: toNumber(cpuLimit), resourceCpuLimit: cpuLimit }),
    ...(memoryLimit === undefined
      ? {}
      : { memoryLimit: toNumber(memoryLimit) / 1e9, resourceMemoryLimit: memoryLimit }),
    ...(cpu === undefined ? {} : { cpuRequest: toNumber(cpu), resourceCpuRequest: cpu }),
    ...(memory === undefined ? {} : { memoryRequest: toNumber(memory) / 1e9, resourceMemoryRequest: memory }),
    ...(gpu === 0 ? {} : { accelerator: { type: gpuVendor, count, resourceType: gpuVendor, resourceCount: count } })
  };
  return Object.keys(resources).length === 0 ? undefined : resources;
}

/** In bytes; undefined where there is none, or none that is known before the run. */
export function readMemoryLimit({ resourceMemoryLimit, memoryLimit }: ResourceSpec = {}): number | undefined {
  const bytes = resourceMemoryLimit ? toNumber(resourceMemoryLimit) : Number(memoryLimit ?? 0) * 1e9;
  return bytes > 0 ? Math.round(bytes) : undefined;
}

/** What the step asks for; undefined where it asks for nothing. */
export function readRequests(spec: ResourceSpec = {}): { readonly cpus?: number; readonly memoryBytes?: number } {
  const { resourceCpuRequest, cpuRequest, resourceMemoryRequest, memoryRequest } = spec;
  const cpus = resourceCpuRequest ? toNumber(resourceCpuRequest) : Number(cpuRequest ?? 0);
  const bytes = resourceMemoryRequest ? toNumber(resourceMemoryRequest) : Number(memoryRequest ?? 0) * 1e9;
  return { ...(cpus > 0 && { cpus }), ...(bytes > 0 && { memoryBytes: Math.round(bytes) }) };
}

const suffixes: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60
};

/** A Kubernetes quantity as a number; 0 where it is none. */
function toNumber(quantity: string): number {
  const [, number, suffix] = /^([\d.]+(?:[eE][+-]?\d+)?)([a-zA-Z]*)$/.exec(quantity) ?? [];
  return number === undefined ? 0 : Number(number) * (suffixes[suffix!] ?? 0);
}
