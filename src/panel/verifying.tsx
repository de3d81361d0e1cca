// The comparison of pipeline and notebook: what it is at, how it came out, and the way to what differs first.
import { closeIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { stateIcon } from '../icons';
import { haveSameCells } from '../live';
import { goToCell } from '../places';
import { describeVerification, stageWords } from '../verification';
import type { VerifyState } from '../verifying';
import { usePanel } from './context';
import { useSignal } from './signals';

export function Verifying(): React.JSX.Element {
  const { pipeline, trans } = usePanel();
  const { verifying } = pipeline;
  useSignal(verifying.changed);
  const { state } = verifying;
  const isRunning = state.kind === 'running';
  const dismissLabel = isRunning ? trans.__('Cancel verifying') : trans.__('Dismiss');
  const Icon = stateIcon(iconOf(state));
  return (
    <div className="jp-Sluice-verifying" data-state={iconOf(state)} hidden={state.kind === 'none'}>
      <Icon.react tag="span" className="jp-Sluice-state" />
      <div className="jp-Sluice-verifyingText">
        {state.kind === 'running' && stageWords[state.stage]}
        <div role="status">
          {state.kind === 'problem' && state.message}
          {state.kind === 'verified' && <Result {...state} />}
        </div>
      </div>
      <button
        type="button"
        className="jp-Sluice-dismiss"
        title={dismissLabel}
        aria-label={dismissLabel}
        onClick={() => verifying.dismiss()}
      >
        <closeIcon.react tag="span" width="14px" height="14px" />
      </button>
    </div>
  );
}

function Result({ verification, notebook }: VerifyState & { readonly kind: 'verified' }): React.JSX.Element {
  const { pipeline, trans } = usePanel();
  const { sentence, first, remarks } = describeVerification(verification);
  const isEdited = !haveSameCells(pipeline.notebook, notebook);
  return (
    <>
      <div>{sentence}</div>
      {first && (
        <div>
          {first.text}{' '}
          <button type="button" className="jp-Sluice-link" onClick={() => void goToCell(pipeline.panel, first.cell)}>
            {trans.__('Go to cell %1', first.cell + 1)}
          </button>
        </div>
      )}
      {remarks.map(remark => (
        <div key={remark} className="jp-Sluice-remark">
          {remark}
        </div>
      ))}
      {isEdited && <div className="jp-Sluice-remark">{trans.__('The notebook has been edited since.')}</div>}
    </>
  );
}

function iconOf(state: VerifyState): 'running' | 'succeeded' | 'failed' {
  if (state.kind === 'running') return 'running';
  return state.kind === 'verified' && state.verification.outcome === 'same' ? 'succeeded' : 'failed';
}
