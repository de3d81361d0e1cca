// What a screen reader says of a step, in the list as in the drawing.
import type { StepRun } from '@sluice/core';
import type { PipelineModel } from '../pipelineModel';
import { definitionsOf, inputsOf, joinNames, outputsOf } from '../stepFlows';
import { describeStepRun } from '../words';

/** `train_forest, running, 12 seconds, needs features and target, gives forest`: begins with the name, so that one can type to it. */
export function describeStep(name: string, run: StepRun | undefined, model: PipelineModel, now: number): string {
  const { pipeline, trans } = model;
  const words = [name, describeStepRun(run, now, trans).replace(' · ', ', ')];
  const changed = model.changedSince(name);
  if (changed) words.push(trans.__('changed since run %1', changed.run.number));
  if (pipeline) {
    const inputs = inputsOf(pipeline, name).map(input => input.name);
    const outputs = outputsOf(pipeline, name);
    if (inputs.length > 0) words.push(trans.__('needs %1', joinNames(inputs, trans)));
    if (outputs.length > 0) words.push(trans.__('gives %1', joinNames(outputs, trans)));
    const definitions = definitionsOf(pipeline, name);
    if (definitions.length > 0) words.push(trans.__('defines %1', joinNames(definitions, trans)));
  }
  return words.join(', ');
}
