// What all steps are given: variables, secrets and volumes. One click lists what this notebook server has of them, to be taken over.
import { closeIcon } from '@jupyterlab/ui-components';
import { readStepSpec, type Surroundings } from '@sluice/core';
import * as React from 'react';
import { commandFor, givenBy, offeredBy, secretNameFor, withGiven, withoutGiven, type Given } from '../defaults';
import { setGiven } from '../editing';
import type { PipelineModel } from '../pipelineModel';
import { useAnswer } from './answer';
import { usePanel } from './context';
import { Section } from './section';
import { SettingsForm } from './stepSettings';

export function Settings(): React.JSX.Element {
  const { trans } = usePanel();
  return (
    <Section title={trans.__('Settings')} isClosed={true}>
      <GivenSettings />
      <h4 className="jp-Sluice-formHead">{trans.__('All steps')}</h4>
      <SettingsForm step={undefined} />
    </Section>
  );
}

function GivenSettings(): React.JSX.Element {
  const { pipeline, trans } = usePanel();
  const [isTaking, setTaking] = React.useState(false);
  const opener = React.useRef<HTMLButtonElement>(null);
  const defaults = defaultsOf(pipeline);
  const given = givenBy(defaults);
  const [needed, setNeeded] = React.useState<NeededSecret>();
  const lacking = (needed?.variables ?? []).filter(name => given.some(one => nameOf(one) === name));
  const close = (made?: NeededSecret): void => {
    setTaking(false);
    setNeeded(made);
    opener.current?.focus();
  };
  return (
    <div className="jp-Sluice-settings">
      {given.length === 0 && !isTaking && (
        <p className="jp-Sluice-note">
          {trans.__('On a cluster, steps have none of this server’s variables, secrets and volumes by themselves.')}
        </p>
      )}
      <ul className="jp-Sluice-list" aria-label={trans.__('Given to all steps')}>
        {given.map(one => (
          <li key={one.key} className="jp-Sluice-given">
            <Description given={one} />
            <button
              type="button"
              className="jp-Sluice-dismiss"
              title={trans.__('Take ‘%1’ away', nameOf(one))}
              aria-label={trans.__('Take ‘%1’ away', nameOf(one))}
              onClick={() => setGiven(pipeline, withoutGiven(defaults, one.key))}
            >
              <closeIcon.react tag="span" width="12px" height="12px" />
            </button>
          </li>
        ))}
      </ul>
      {needed && lacking.length > 0 && (
        <div className="jp-Sluice-note">
          {trans.__(
            'On a cluster, the secret ‘%1’ must be there before a run. Where the variables are set, this makes it:',
            needed.name
          )}
          <pre className="jp-Sluice-log" tabIndex={0}>
            {commandFor(needed.name, lacking, pipeline.place['namespace'])}
          </pre>
        </div>
      )}
      <button
        type="button"
        ref={opener}
        className="jp-Sluice-button"
        aria-expanded={isTaking}
        onClick={() => setTaking(!isTaking)}
      >
        {trans.__('Take over from this server…')}
      </button>
      {isTaking && <Offer onEnd={close} />}
    </div>
  );
}

/** A Kubernetes secret that has to be made before a run. */
interface NeededSecret {
  readonly name: string;
  readonly variables: readonly string[];
}

interface OfferProps {
  readonly onEnd: (needed?: NeededSecret) => void;
}

function Offer({ onEnd }: OfferProps): React.JSX.Element | null {
  const { pipeline, client, trans } = usePanel();
  const answer = useAnswer(() => client.getSurroundings(), pipeline.panel.id);
  if (answer === undefined) return null;
  if ('error' in answer) return <p className="jp-Sluice-problem">{answer.error}</p>;
  const offered = offeredBy(answer.value, defaultsOf(pipeline));
  return (
    <>
      {answer.value.problem !== undefined && <p className="jp-Sluice-problem">{answer.value.problem}</p>}
      {offered.length === 0 ? (
        <p className="jp-Sluice-note">{trans.__('This server has nothing that the pipeline lacks.')}</p>
      ) : (
        <Choice server={answer.value} offered={offered} onEnd={onEnd} />
      )}
    </>
  );
}

interface ChoiceProps extends OfferProps {
  readonly server: Surroundings;
  readonly offered: readonly Given[];
}

function Choice({ server, offered, onEnd }: ChoiceProps): React.JSX.Element {
  const { pipeline, trans } = usePanel();
  // What a pod was given was given on purpose; what a shell has may be anything.
  const [chosen, setChosen] = React.useState<ReadonlySet<string>>(
    new Set(server.pod === undefined ? [] : offered.map(({ key }) => key))
  );
  const [secretName, setSecretName] = React.useState(secretNameFor(pipeline.outline.name));
  const toggle = (key: string): void => {
    const next = new Set(chosen);
    if (!next.delete(key)) next.add(key);
    setChosen(next);
  };
  const taken = offered.filter(({ key }) => chosen.has(key));
  const unplaced = taken.flatMap(one => (one.kind === 'unplaced' ? [one.env] : []));
  const takeOver = (): void => {
    setGiven(pipeline, withGiven(defaultsOf(pipeline), taken, secretName.trim()));
    onEnd(unplaced.length === 0 ? undefined : { name: secretName.trim(), variables: unplaced });
  };
  const isNamed = unplaced.length === 0 || /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(secretName.trim());
  return (
    <div className="jp-Sluice-offer" role="group" aria-label={trans.__('What this server has')}>
      {offered.map(one => (
        <label key={one.key} className="jp-Sluice-given">
          <input type="checkbox" checked={chosen.has(one.key)} onChange={() => toggle(one.key)} />
          <Description given={one} />
        </label>
      ))}
      {unplaced.length > 0 && (
        <label className="jp-Sluice-secretName">
          {trans._n(
            'Kubernetes secret for the one whose value stays here',
            'Kubernetes secret for those whose values stay here',
            unplaced.length
          )}
          <input
            type="text"
            className="jp-mod-styled"
            spellCheck={false}
            value={secretName}
            aria-invalid={!isNamed}
            onChange={({ target }) => setSecretName(target.value)}
          />
        </label>
      )}
      {!isNamed && (
        <p className="jp-Sluice-problem">
          {trans.__(
            'A secret’s name has small letters, digits and hyphens, and begins and ends with a letter or digit.'
          )}
        </p>
      )}
      <div className="jp-Sluice-emptyButtons">
        <button
          type="button"
          className="jp-Sluice-button jp-mod-run"
          aria-disabled={taken.length === 0 || !isNamed}
          onClick={() => taken.length > 0 && isNamed && takeOver()}
        >
          {taken.length === 0 ? trans.__('Take over') : trans.__('Take over %1', taken.length)}
        </button>
        <button type="button" className="jp-Sluice-button" onClick={() => onEnd()}>
          {trans.__('Cancel')}
        </button>
      </div>
    </div>
  );
}

function Description({ given }: { readonly given: Given }): React.JSX.Element {
  const { trans } = usePanel();
  const aside = describe(given);
  return (
    <span className="jp-Sluice-givenText" title={`${nameOf(given)} ${aside}`}>
      <b>{nameOf(given)}</b> <span className="jp-Sluice-aside">{aside}</span>
    </span>
  );

  function describe(one: Given): string {
    switch (one.kind) {
      case 'env':
        return `= ${one.value}`;
      case 'unplaced':
        return trans.__('secret; its value stays here');
      case 'secret':
        return 'env' in one.secret
          ? trans.__('from secret ‘%1’', one.secret.name)
          : trans.__('with the files of secret ‘%1’', one.secret.name);
      case 'volume':
        return one.volume.read_only === true
          ? trans.__('volume ‘%1’, read only', one.volume.pvc_name)
          : trans.__('volume ‘%1’', one.volume.pvc_name);
    }
  }
}

function nameOf(given: Given): string {
  switch (given.kind) {
    case 'env':
      return given.name;
    case 'unplaced':
      return given.env;
    case 'secret':
      return 'env' in given.secret ? given.secret.env : given.secret.path;
    case 'volume':
      return given.volume.path;
  }
}

function defaultsOf({ notebook }: PipelineModel) {
  const { sluice } = notebook.metadata as { readonly sluice?: { readonly defaults?: unknown } | null };
  return readStepSpec(sluice?.defaults ?? {}, '').spec;
}
