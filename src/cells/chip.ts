// The slim bar at a cell's top edge: a step's name with its menu, and how its last run went; or, on other cells, the cell's role.
// It is a widget in the cell's own layout, so that it moves and hides with the cell. It is painted from values and keeps none.
import { caretDownEmptyThinIcon } from '@jupyterlab/ui-components';
import type { RunState } from '@sluice/core';
import { Widget } from '@lumino/widgets';
import { stateIcon } from '../icons';
import { createNameInput, focusName, type NameInputOptions } from '../nameInput';

export interface ChipPaint {
  /** a step's name, or the word for the cell's role */
  readonly text: string;
  readonly isStep: boolean;
  /** accessible name of the whole */
  readonly label: string;
  readonly menuLabel: string;
  readonly state: RunState | undefined;
  /** the state in words, with its duration; empty where there is none */
  readonly status: string;
  /** the step's metrics, short */
  readonly metrics: string;
}

export class Chip extends Widget {
  constructor(private readonly openMenu: (anchor: HTMLElement) => void) {
    super();
    this.addClass('jp-Sluice-chip');
    this.node.setAttribute('role', 'group');
    this.button.type = 'button';
    this.button.className = 'jp-Sluice-chipName';
    this.button.setAttribute('aria-haspopup', 'menu');
    this.button.append(this.name, caretDownEmptyThinIcon.element({ tag: 'span', width: '10px', height: '10px' }));
    this.button.addEventListener('click', event => {
      event.stopPropagation();
      this.openMenu(this.button);
    });
    this.icon.className = 'jp-Sluice-state';
    this.status.className = 'jp-Sluice-chipStatus';
    this.metrics.className = 'jp-Sluice-chipMetrics';
    this.node.append(this.button, this.icon, this.status, this.metrics);
  }

  paint(paint: ChipPaint): void {
    this.node.setAttribute('aria-label', paint.label);
    this.node.classList.toggle('jp-mod-step', paint.isStep);
    setText(this.name, paint.text);
    this.button.setAttribute('aria-label', paint.menuLabel);
    setText(this.status, paint.status);
    setText(this.metrics, paint.metrics);
    this.metrics.title = paint.metrics;
    if (this.node.dataset['state'] === (paint.state ?? 'none')) return;
    this.node.dataset['state'] = paint.state ?? 'none';
    this.icon.replaceChildren();
    if (paint.state) this.icon.append(stateIcon(paint.state).element({ tag: 'span' }));
  }

  /** Turn the name into an input until it is committed or reverted. */
  editName(options: NameInputOptions): void {
    this.naming?.remove();
    const naming = createNameInput({
      ...options,
      done: name => {
        this.naming = undefined;
        naming.remove();
        this.removeClass('jp-mod-naming');
        options.done(name);
      }
    });
    this.naming = naming;
    this.addClass('jp-mod-naming');
    this.node.prepend(naming);
    focusName(naming);
  }

  get isNaming(): boolean {
    return this.naming !== undefined;
  }

  private readonly button = document.createElement('button');
  private readonly name = document.createElement('span');
  private readonly icon = document.createElement('span');
  private readonly status = document.createElement('span');
  private readonly metrics = document.createElement('span');
  private naming: HTMLElement | undefined;
}

function setText(node: HTMLElement, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}
