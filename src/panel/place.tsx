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
  const findings = answer && 'value' in answer ? answer.value : [];
  const lacking = findings.filter(({ isOk, isOptional }) => isOk === false && !isOptional).length;
  const said =
    answer === undefined
      ? trans.__('Checking …')
      : 'error' in answer
        ? answer.error
        : lacking === 0
          ? trans.__('The cluster has what a run needs.')
          : trans._n('%1 thing is missing.', '%1 things are missing.', lacking);
  return (
    <div className="jp-Sluice-findings">
      <div role="status">{said}</div>
      <ul aria-label={trans.__('What was found')}>
        {findings.map(finding => (
          <FindingLine key={finding.message} finding={finding} />
        ))}
      </ul>
      {findings.some(isRight) && (
        <div>
          {trans.__('In a terminal,')} <code>sluice cluster rbac</code>{' '}
          {trans.__('prints the Roles that grant what you or the steps may not do.')}
        </div>
      )}
    </div>
  );
}

const isRight = ({ isOk, message }: Finding): boolean => isOk === false && message.includes(' may not ');

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
