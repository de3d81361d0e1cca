// Whether the end of a run is told outside of the page, by a notification of the desktop's; asked for here, never forced.
import { bellIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { usePanel } from './context';
import { useSignal } from './signals';

export function Bell(): React.JSX.Element {
  const { pipeline, notifier, trans } = usePanel();
  useSignal(notifier.changed);
  const label = trans.__('Notify me when a run ends');
  const toggle = async (): Promise<void> => {
    const problem = await notifier.toggle();
    if (problem !== undefined) pipeline.notices.say({ kind: 'failed', text: problem });
    else if (pipeline.notices.current?.kind === 'failed') pipeline.notices.say(undefined); // that was it, or is older
  };
  return (
    <button
      type="button"
      className="jp-Sluice-button jp-mod-icon jp-mod-toggle"
      title={trans.__('%1 while this page is hidden', label)}
      aria-label={label}
      aria-pressed={notifier.isOn}
      onClick={() => void toggle()}
    >
      <bellIcon.react tag="span" width="14px" height="14px" />
    </button>
  );
}
