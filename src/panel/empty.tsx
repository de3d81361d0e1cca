// A notebook without steps, or no notebook at all: one calm sentence, and where there is something to do, the two ways to begin.
import * as React from 'react';
import { CommandIds } from '../tokens';
import { usePanel } from './context';

export function EmptyState(): React.JSX.Element {
  const { commands, pipeline, trans } = usePanel();
  const start = (): void => {
    const { activeCellIndex } = pipeline.panel.content;
    const cell = pipeline.notebook.cells.find(({ index, type }) => index >= activeCellIndex && type === 'code');
    if (cell) void commands.execute(CommandIds.makeStep, { cell: cell.index });
  };
  return (
    <div className="jp-Sluice-empty">
      <p>
        {trans.__(
          'A step is a cell, with those below it, that runs on its own in a pipeline: Sluice finds out what it needs from the steps above.'
        )}
      </p>
      <div className="jp-Sluice-emptyButtons">
        <button
          type="button"
          className="jp-Sluice-button jp-mod-run"
          onClick={() => void commands.execute(CommandIds.suggestSteps)}
        >
          {trans.__('Suggest steps')}
        </button>
        <button type="button" className="jp-Sluice-button" onClick={start}>
          {trans.__('Start with this cell')}
        </button>
      </div>
    </div>
  );
}

export function NoNotebook({ text }: { readonly text: string }): React.JSX.Element {
  return (
    <div className="jp-Sluice-empty">
      <p>{text}</p>
    </div>
  );
}
