// A part of the panel under a heading that folds it, as in JupyterLab's own side panels.
import { caretDownIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

interface SectionProps {
  readonly title: string;
  /** stands at the right end of the heading */
  readonly aside?: React.ReactNode;
  readonly children: React.ReactNode;
  readonly className?: string;
  /** whether it begins folded */
  readonly isClosed?: boolean;
  /** unfolds it when it becomes true */
  readonly isWanted?: boolean;
}

export function Section(props: SectionProps): React.JSX.Element {
  const { title, aside, children, className, isClosed = false, isWanted = false } = props;
  const [isOpen, setOpen] = React.useState(!isClosed);
  React.useEffect(() => {
    if (isWanted) setOpen(true);
  }, [isWanted]);
  const id = React.useId();
  return (
    <section className={`jp-Sluice-section ${className ?? ''}`}>
      <h3 className="jp-Sluice-sectionTitle">
        <button type="button" aria-expanded={isOpen} aria-controls={`${id}body`} onClick={() => setOpen(!isOpen)}>
          <caretDownIcon.react tag="span" className="jp-Sluice-caret" width="16px" height="16px" />
          {title}
        </button>
        {aside}
      </h3>
      <div id={`${id}body`} className="jp-Sluice-sectionBody" hidden={!isOpen}>
        {isOpen && children}
      </div>
    </section>
  );
}
