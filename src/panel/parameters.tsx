// The pipeline's parameters as a small form. The notebook's own values are grey; what is changed here holds for the next runs, and can be reset.
import type { Parameter } from '@sluice/core';
import * as React from 'react';
import { formatParameter, readParameter } from '../parameterValues';
import { usePanel } from './context';
import { FieldEnd } from './fieldEnd';
import { Section } from './section';

export function Parameters(): React.JSX.Element | null {
  const { pipeline, trans } = usePanel();
  const parameters = pipeline.pipeline?.parameters ?? [];
  if (parameters.length === 0) return null;
  return (
    <Section title={trans.__('Parameters')}>
      <div className="jp-Sluice-parameters">
        {parameters.map(parameter => (
          <Field key={`${parameter.name} ${parameter.type}`} parameter={parameter} />
        ))}
      </div>
    </Section>
  );
}

function Field({ parameter }: { readonly parameter: Parameter }): React.JSX.Element {
  const { pipeline, trans } = usePanel();
  const { name, type } = parameter;
  const id = React.useId();
  const changed = pipeline.changedParameters.get(name);
  const problem = pipeline.parameterProblems.get(name);
  // What is typed stays as it is typed, also while it cannot be read.
  const [typed, setTyped] = React.useState<string>();
  const value = changed === undefined ? parameter.default : changed;
  const isChanged = changed !== undefined || problem !== undefined;

  const take = (text: string): void => {
    setTyped(text);
    const reading = readParameter(parameter, text);
    if ('problem' in reading) pipeline.setParameterProblem(name, reading.problem);
    else pipeline.setParameter(name, isEqual(reading.value, parameter.default) ? undefined : reading.value);
  };
  const reset = (): void => {
    setTyped(undefined);
    pipeline.setParameter(name, undefined);
  };

  return (
    <div className={`jp-Sluice-parameter${isChanged ? ' jp-mod-changed' : ''}`}>
      <label htmlFor={id} title={`${name}: ${type}`}>
        {name}
      </label>
      {type === 'boolean' ? (
        <span className="jp-Sluice-check">
          <input
            id={id}
            type="checkbox"
            checked={value === true}
            onChange={event => take(String(event.target.checked))}
          />
        </span>
      ) : (
        <input
          id={id}
          type="text"
          className="jp-mod-styled"
          spellCheck={false}
          inputMode={type === 'integer' ? 'numeric' : type === 'float' ? 'decimal' : 'text'}
          placeholder={value === null ? 'None' : undefined}
          value={typed ?? formatParameter(parameter, value)}
          aria-invalid={problem !== undefined}
          aria-describedby={problem === undefined ? undefined : `${id}problem`}
          onChange={event => take(event.target.value)}
          onBlur={() => problem === undefined && setTyped(undefined)}
        />
      )}
      <FieldEnd
        {...{ id, isChanged, problem }}
        title={trans.__('Back to the notebook’s value, %1', formatParameter(parameter, parameter.default) || 'None')}
        label={trans.__('Reset %1', name)}
        onReset={reset}
      />
    </div>
  );
}

function isEqual(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
