// All that is wrong with the notebook, worst first; each leads to its place.
import { describePlace, type Diagnostic } from '@sluice/core';
import * as React from 'react';
import { goToRange } from '../places';
import { usePanel } from './context';
import { SeverityIcon } from './header';
import { Section } from './section';

const order = { error: 0, warning: 1, info: 2 } as const;

export function Diagnostics(): React.JSX.Element | null {
  const { pipeline, trans } = usePanel();
  const sorted = [...pipeline.diagnostics].sort((a, b) => order[a.severity] - order[b.severity]);
  if (sorted.length === 0) return null;
  return (
    <Section title={trans.__('Problems')} className="jp-Sluice-diagnostics">
      <ul className="jp-Sluice-list" aria-label={trans.__('Problems')}>
        {sorted.map((diagnostic, i) => (
          <li key={i}>
            <DiagnosticRow diagnostic={diagnostic} />
          </li>
        ))}
      </ul>
    </Section>
  );
}

function DiagnosticRow({ diagnostic }: { readonly diagnostic: Diagnostic }): React.JSX.Element {
  const { pipeline, trans } = usePanel();
  const { range, severity, message } = diagnostic;
  const words = { error: trans.__('error'), warning: trans.__('warning'), info: trans.__('remark') };
  const content = (
    <>
      <SeverityIcon severity={severity} />
      <span className="jp-Sluice-diagnosticText">
        <span className="jp-Sluice-hiddenText">{words[severity]}: </span>
        {message}
        {range && <span className="jp-Sluice-place"> {describePlace(range, pipeline.notebook)}</span>}
      </span>
    </>
  );
  return range ? (
    <button type="button" className="jp-Sluice-diagnostic" onClick={() => void goToRange(pipeline.panel, range)}>
      {content}
    </button>
  ) : (
    <div className="jp-Sluice-diagnostic">{content}</div>
  );
}
