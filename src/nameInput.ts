// A name is typed where it stands: Enter or leaving commits, Escape reverts, and what is wrong with it is said at once below it.

export interface NameInputOptions {
  readonly label: string;
  readonly value: string;
  /** why the name cannot be taken; undefined where it can */
  readonly check: (name: string) => string | undefined;
  /** called once; undefined: reverted */
  readonly done: (name: string | undefined) => void;
}

let count = 0;

export function createNameInput({ label, value, check, done }: NameInputOptions): HTMLElement {
  const node = document.createElement('span');
  node.className = 'jp-Sluice-naming';
  const input = document.createElement('input');
  const problem = document.createElement('span');
  problem.className = 'jp-Sluice-problem';
  problem.id = `jp-Sluice-problem-${++count}`;
  problem.setAttribute('role', 'status');
  input.className = 'jp-mod-styled jp-Sluice-nameInput';
  input.setAttribute('aria-label', label);
  input.setAttribute('aria-describedby', problem.id);
  input.spellcheck = false;
  input.value = value;
  let isDone = false;
  const end = (name: string | undefined): void => {
    if (isDone) return;
    isDone = true;
    done(name);
  };
  const validate = (): string | undefined => {
    const message = check(input.value.trim());
    problem.textContent = message ?? '';
    input.setAttribute('aria-invalid', String(message !== undefined));
    return message;
  };
  input.addEventListener('input', validate);
  input.addEventListener('keydown', event => {
    if (event.key === 'Enter' && !event.isComposing && validate() === undefined) end(input.value.trim());
    else if (event.key === 'Escape') end(undefined);
    event.stopPropagation();
  });
  input.addEventListener('blur', () => {
    // A page that merely lost its focus keeps the input open.
    if (!document.hasFocus()) return;
    end(check(input.value.trim()) === undefined ? input.value.trim() : undefined);
  });
  // The notebook would take the focus back to its cell.
  for (const type of ['mousedown', 'click', 'dblclick']) node.addEventListener(type, event => event.stopPropagation());
  node.append(input, problem);
  return node;
}

export function focusName(node: HTMLElement): void {
  const input = node.querySelector('input');
  const focus = (): void => {
    input?.focus();
    input?.select();
  };
  focus();
  // A menu that closes gives the focus back a frame later.
  requestAnimationFrame(() => node.isConnected && document.activeElement !== input && focus());
}
