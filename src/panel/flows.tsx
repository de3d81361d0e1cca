// What goes into a step and what comes out of it. A click on an input opens its reason as a small card; the two places in it lead to the cells.
import { describePlace, type Flow } from '@sluice/core';
import * as React from 'react';
import { goToRange } from '../places';
import { definitionsOf, inputsOf, joinNames, outputsOf, type StepInput } from '../stepFlows';
import { usePanel } from './context';

interface FlowsProps {
  readonly step: string;
  /** whether the names can be tabbed to: those of one step at a time, or a long list would have no end */
  readonly isCurrent: boolean;
}

export function Flows({ step, isCurrent }: FlowsProps): React.JSX.Element | null {
  const { pipeline, trans } = usePanel();
  const [opened, setOpened] = React.useState<string>();
  if (!pipeline.pipeline) return null;
  const inputs = inputsOf(pipeline.pipeline, step);
  const outputs = outputsOf(pipeline.pipeline, step);
  const definitions = definitionsOf(pipeline.pipeline, step);
  const stale = <Stale step={step} />;
  if (inputs.length === 0 && outputs.length === 0 && definitions.length === 0) return stale;
  const open = inputs.find(input => keyOf(input) === opened);
  return (
    <>
      <div className="jp-Sluice-flows">
        {inputs.map((input, i) => (
          <React.Fragment key={keyOf(input)}>
            <span className="jp-Sluice-flow">
              <Input
                input={input}
                isCurrent={isCurrent}
                isOpen={input === open}
                onToggle={() => setOpened(input === open ? undefined : keyOf(input))}
              />
              {i < inputs.length - 1 && ','}
            </span>{' '}
          </React.Fragment>
        ))}
        {/* the arrow stays with the name after it */}
        {outputs.length > 0 && <span className="jp-Sluice-arrow">{'→\u00a0'}</span>}
        {outputs.join(', ')}
        {(inputs.length > 0 || outputs.length > 0) && definitions.length > 0 && '; '}
        {definitions.length > 0 && trans.__('defines %1', joinNames(definitions, trans))}
      </div>
      {open && <ReasonCard input={open} />}
      {stale}
    </>
  );
}

/** A step with a half-typed line shows what it was before that line broke. */
function Stale({ step }: { readonly step: string }): React.JSX.Element | null {
  const { pipeline, trans } = usePanel();
  const cells = pipeline.outline.steps.find(({ name }) => name === step)?.cells ?? [];
  const part = pipeline.stale.find(({ cell }) => cells.includes(cell));
  if (!part) return null;
  return (
    <div className="jp-Sluice-stale">
      {trans.__('as last read before %1 broke', describePlace(part, pipeline.notebook))}
    </div>
  );
}

interface InputProps {
  readonly input: StepInput;
  readonly isCurrent: boolean;
  readonly isOpen: boolean;
  readonly onToggle: () => void;
}

function Input({ input, isCurrent, isOpen, onToggle }: InputProps): React.JSX.Element {
  const { trans } = usePanel();
  const onKeyDown = (event: React.KeyboardEvent): void => {
    if (event.key !== 'Escape' || !isOpen) return;
    event.stopPropagation();
    onToggle();
  };
  const text = input.kind === 'order' ? trans.__('after %1', input.name) : input.name;
  return (
    <button
      type="button"
      className="jp-Sluice-input"
      tabIndex={isCurrent ? 0 : -1}
      onKeyDown={onKeyDown}
      data-certainty={input.certainty}
      aria-expanded={isOpen}
      title={[...new Set(input.flows.map(flow => flow.reason.text))].join('\n')}
      onClick={onToggle}
    >
      {text}
    </button>
  );
}

function ReasonCard({ input }: { readonly input: StepInput }): React.JSX.Element {
  return (
    <div className="jp-Sluice-reasonCard" role="group" aria-label={input.name}>
      {input.flows.map((flow, i) => (
        <Reason key={i} flow={flow} />
      ))}
    </div>
  );
}

function Reason({ flow }: { readonly flow: Flow }): React.JSX.Element {
  const { pipeline, trans } = usePanel();
  const { range, origin, isChanged, through } = flow.reason;
  const verb =
    flow.kind === 'order'
      ? trans.__('runs after')
      : flow.kind === 'ambient'
        ? trans.__('depends on')
        : trans.__('reads');
  const place = (target: typeof range): React.JSX.Element => (
    <span className="jp-Sluice-reasonPlace">
      (
      <button type="button" className="jp-Sluice-link" onClick={() => void goToRange(pipeline.panel, target)}>
        {describePlace(target, pipeline.notebook)}
      </button>
      )
    </span>
  );
  return (
    <p>
      <b>{flow.to}</b> {verb} <b>{flow.kind === 'order' ? flow.from : flow.name}</b> {place(range)}
      {through.length > 0 && <> {trans.__('through %1', through.join(' → '))}</>}
      {flow.kind !== 'order' && (
        <>
          {' — '}
          {isChanged ? trans.__('last changed in') : trans.__('made in')} <b>{flow.from}</b>
          {origin && <> {place(origin)}</>}
        </>
      )}
      {flow.certainty === 'possible' && <> {trans.__('It may be read, not always.')}</>}
    </p>
  );
}

function keyOf(input: StepInput): string {
  return `${input.kind} ${input.name}`;
}
