// Every runner starts a step by KFP's executor contract: ExecutorInput as JSON, with the step's parameters and the places of its artifacts.
// What they differ in is where artifacts stand and when the values are known; that is given.
import type { PlanTask } from './plan.js';

/** Where a run keeps what its steps leave. */
export interface ArtifactPlaces {
  artifact(step: string, key: string): string;
  /** ExecutorOutput of the step */
  outputFile(step: string): string;
  /** what an artifact's maker said of it, where that is known */
  metadata?(step: string, key: string): object | undefined;
}

/** `parameter` gives a parameter of the pipeline as JSON text. */
export function makeExecutorInput(task: PlanTask, places: ArtifactPlaces, parameter: (name: string) => string): string {
  const artifact = (key: string, uri: string, schemaTitle: string, metadata: object = {}) => [
    key,
    { artifacts: [{ name: key, type: { schemaTitle, schemaVersion: '0.0.1' }, uri, metadata }] }
  ];
  const values = task.parameters.map(({ name, source }) => {
    const value = source.kind === 'value' ? JSON.stringify(source.value) : parameter(source.name);
    return `${JSON.stringify(name)}:${value}`;
  });
  const given = task.artifacts.map(({ name, from, artifact: key, schemaTitle }) =>
    artifact(name, places.artifact(from, key), schemaTitle, places.metadata?.(from, key))
  );
  const made = task.outputs.map(({ name, schemaTitle }) =>
    artifact(name, places.artifact(task.name, name), schemaTitle)
  );
  const outputs = { artifacts: Object.fromEntries(made), outputFile: places.outputFile(task.name) };
  const artifacts = JSON.stringify(Object.fromEntries(given));
  return `{"inputs":{"parameterValues":{${values.join(',')}},"artifacts":${artifacts}},"outputs":${JSON.stringify(outputs)}}`;
}
