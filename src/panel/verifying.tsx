// The comparison of pipeline and notebook: what it is at, how it came out, and the way to what differs first.
import * as React from 'react';
import { haveSameCells } from '../live';
import { goToCell } from '../places';
import { describeVerification, stageWords } from '../verification';
import type { VerifyState } from '../verifying';
import { usePanel } from './context';
import { NoticeBox } from './notice';
import { useSignal } from './signals';

export function Verifying(): React.JSX.Element {
  const { pipeline, trans } = usePanel();
  const { verifying } = pipeline;
  useSignal(verifying.changed);
  const { state } = verifying;
  const isRunning = state.kind === 'running';
  return (
    <NoticeBox
      kind={iconOf(state)}
      isHidden={state.kind === 'none'}
      progress={isRunning && stageWords(state.stage, trans)}
      dismissLabel={isRunning ? trans.__('Cancel verifying') : trans.__('Dismiss')}
      onDismiss={() => verifying.dismiss()}
    >
      {state.kind === 'problem' && state.message}
      {state.kind === 'verified' && <Result {...state} />}
    </NoticeBox>
  );
}

function Result({ verification, notebook }: VerifyState & { readonly kind: 'verified' }): React.JSX.Element {
  const { pipeline, trans } = usePanel();
  const { sentence, first, remarks } = describeVerification(verification, trans);
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
