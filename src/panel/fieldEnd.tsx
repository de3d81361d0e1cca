// What stands behind each field of a form: the sign that takes back what was typed, and what is wrong with it.
import { undoIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

export interface FieldEndProps {
  /** of the field, which names the problem as its description */
  readonly id: string;
  /** what taking back means here */
  readonly title: string;
  readonly label: string;
  readonly isChanged: boolean;
  readonly problem: string | undefined;
  onReset(): void;
}

export function FieldEnd({ id, title, label, isChanged, problem, onReset }: FieldEndProps): React.JSX.Element {
  return (
    <>
      <button
        type="button"
        className="jp-Sluice-reset"
        title={title}
        aria-label={label}
        disabled={!isChanged}
        onClick={onReset}
      >
        <undoIcon.react tag="span" width="12px" height="12px" />
      </button>
      {problem !== undefined && (
        <span id={`${id}problem`} className="jp-Sluice-problem" role="status">
          {problem}
        </span>
      )}
    </>
  );
}
