// Where on a cluster a pipeline runs, to be typed; and what was found out when that cluster was checked.
import type { Finding, RunnerInfo, RunState } from '@sluice/core';
import * as React from 'react';
import { setPlace } from '../editing';
import { stateIcon } from '../icons';
import { checkPlace, placeFields, readPolicy, snapshotsKey, type Place } from '../placeSettings';
import { toObject } from '../stepSettings';
import { useAnswer } from './answer';
import { usePanel } from './context';
import { SettingInput } from './settingInput';

export function PlaceForm({ info }: { readonly info: RunnerInfo }): React.JSX.Element {
  const { pipeline, trans } = usePanel();
  const { place, notebook } = pipeline;
  const ours = toObject((notebook.metadata as { readonly sluice?: unknown }).sluice);
  return (
    <div role="group" aria-label={trans.__('Where it runs')} className="jp-Sluice-form jp-Sluice-parameters">
      {placeFields(info, place, trans).map(field => (
        <SettingInput
          key={field.key}
          field={field}
          written={field.key === snapshotsKey ? readPolicy(ours[snapshotsKey]) : place[field.key]}
          check={checkPlace}
          onWrite={value => setPlace(pipeline, field.key, typeof value === 'string' ? value : undefined)}
        />
      ))}
    </div>
  );
}

interface ClusterCheckProps {
  readonly runner: string;
  readonly place: Place;
}

export function ClusterCheck({ runner, place }: ClusterCheckProps): React.JSX.Element {
  const { client, trans } = usePanel();
  const answer = useAnswer(() => client.checkRunner(runner, place), JSON.stringify([runner, place]));
  if (answer === undefined) return <p role="status">{trans.__('Checking …')}</p>;
  if ('error' in answer) return <p role="status">{answer.error}</p>;
  const findings = answer.value;
  const lacks = findings.some(({ isOk, isOptional }) => isOk === false && !isOptional);
  return (
    <div role="status">
      <ul className="jp-Sluice-findings" aria-label={trans.__('What was found')}>
        {findings.map(finding => (
          <FindingLine key={finding.message} finding={finding} />
        ))}
      </ul>
      {lacks && trans.__('`sluice cluster rbac` in a terminal prints the Roles that grant what is missing.')}
    </div>
  );
}

function FindingLine({ finding: { isOk, isOptional, message } }: { readonly finding: Finding }): React.JSX.Element {
  const { trans } = usePanel();
  const [state, word]: [RunState, string] =
    isOk === true
      ? ['succeeded', trans.__('There')]
      : isOk === undefined || isOptional
        ? ['skipped', trans.__('Not needed for every run')]
        : ['failed', trans.__('Missing')];
  const Icon = stateIcon(state);
  return (
    <li data-state={state}>
      <Icon.react tag="span" className="jp-Sluice-state" title={word} />
      <span>
        <span className="jp-Sluice-hiddenText">{word}: </span>
        {message}
      </span>
    </li>
  );
}
