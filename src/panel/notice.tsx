// One thing said in the panel's head, with a sign for how it went, until it is dismissed.
import { closeIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { stateIcon } from '../icons';
import { usePanel } from './context';
import { useSignal } from './signals';

interface NoticeBoxProps {
  readonly kind: 'running' | 'succeeded' | 'failed';
  /** read aloud when it changes */
  readonly children: React.ReactNode;
  /** what is under way, not read aloud */
  readonly progress?: React.ReactNode;
  readonly dismissLabel: string;
  readonly onDismiss: (() => void) | undefined;
  readonly isHidden: boolean;
}

export function NoticeBox(props: NoticeBoxProps): React.JSX.Element {
  const { kind, children, progress, dismissLabel, onDismiss, isHidden } = props;
  const Icon = stateIcon(kind);
  return (
    <div className="jp-Sluice-notice" data-state={kind} hidden={isHidden}>
      <Icon.react tag="span" className="jp-Sluice-state" />
      <div className="jp-Sluice-noticeText">
        {progress}
        <div role="status">{children}</div>
      </div>
      {onDismiss && (
        <button
          type="button"
          className="jp-Sluice-dismiss"
          title={dismissLabel}
          aria-label={dismissLabel}
          onClick={onDismiss}
        >
          <closeIcon.react tag="span" width="14px" height="14px" />
        </button>
      )}
    </div>
  );
}

/** What came of loading, restoring and the like. */
export function Notice(): React.JSX.Element {
  const { pipeline, trans } = usePanel();
  const { notices } = pipeline;
  useSignal(notices.changed);
  const { kind = 'running', text, detail, action } = notices.current ?? {};
  return (
    <NoticeBox
      kind={kind}
      isHidden={notices.current === undefined}
      progress={kind === 'running' && text}
      dismissLabel={trans.__('Dismiss')}
      onDismiss={kind === 'running' ? undefined : () => notices.say(undefined)}
    >
      {kind !== 'running' && (
        <>
          <div>
            {text}{' '}
            {action && (
              <button type="button" className="jp-Sluice-link" onClick={action.act}>
                {action.label}
              </button>
            )}
          </div>
          {detail?.split('\n').map(line => (
            <div key={line} className="jp-Sluice-remark">
              {line}
            </div>
          ))}
        </>
      )}
    </NoticeBox>
  );
}
