// Why a step failed, at the cell where it failed: the error in one line, and the last lines of its traceback.
import type { Failure } from '@sluice/core';
import { Widget } from '@lumino/widgets';
import { Printed } from '../printed';
import { describeFailure } from '../words';

const shownLines = 6;

export class FailureBox extends Widget {
  constructor() {
    super();
    this.addClass('jp-Sluice-failure');
    this.node.setAttribute('role', 'note');
    this.node.append(this.message, this.traceback);
    this.message.className = 'jp-Sluice-failureMessage';
  }

  paint(step: string, failure: Failure): void {
    const text = describeFailure(failure);
    this.node.setAttribute('aria-label', `${step}: ${text}`);
    if (this.message.textContent !== text) this.message.textContent = text;
    const lines = lastTracebackLines(failure, text);
    this.traceback.hidden = lines === '';
    if (this.traceback.textContent !== lines) this.traceback.textContent = lines;
  }

  private readonly message = document.createElement('div');
  private readonly traceback = document.createElement('pre');
}

// The line that repeats the message, and IPython's two at the top, say nothing new.
function lastTracebackLines(failure: Failure, message: string): string {
  const lines = new Printed((failure.traceback ?? []).join('\n')).text
    .split('\n')
    .filter(line => !/^\s*-*$|Traceback \(most recent call last\):?$/.test(line));
  if (lines.at(-1)?.trim() === message.trim()) lines.pop();
  return lines.slice(-shownLines).join('\n');
}
