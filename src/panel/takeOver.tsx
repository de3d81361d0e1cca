// A notebook that was made for Kale runs as it is; one click writes its settings in Sluice's words, so that they can be changed here.
import * as React from 'react';
import { isOfKale } from '../importing';
import { CommandIds } from '../tokens';
import { usePanel } from './context';

export function TakeOver(): React.JSX.Element | null {
  const { pipeline, commands, trans } = usePanel();
  if (!isOfKale(pipeline)) return null;
  return (
    <div className="jp-Sluice-headerNote">
      {trans.__('Made for Kale; it runs here as it is.')}{' '}
      <button
        type="button"
        className="jp-Sluice-link"
        title={commands.caption(CommandIds.takeOverKale)}
        onClick={() => void commands.execute(CommandIds.takeOverKale)}
      >
        {trans.__('Take over')}
      </button>
    </div>
  );
}
