// Steps for a notebook that has none: headings already divide most notebooks; where they do not, other text does, or comments at the top of cells,
// or each cell is a step. The cells of a part become a step named by it; cells that only import, and a cell of plain constants at the top, get
// their roles.
import { withRole, withStep, type Cell, type Notebook } from '@sluice/core';

/** Tags for the cells that change, by index. The first way to divide that gives more than one step is taken. */
export function suggestTags(notebook: Notebook): ReadonlyMap<number, readonly string[]> {
  const ways = dividers.map(titleOf => divide(notebook, titleOf));
  return ways.find(({ steps }) => steps > 1 && steps <= mostSteps)?.tags ?? ways[0]!.tags;
}

/** Nobody wants to read more of them at a glance. */
const mostSteps = 30;

/** The title of the part that begins at the cell; undefined where none does. */
type Divider = (cell: Cell) => string | undefined;

const dividers: readonly Divider[] = [
  ({ type, source }) => (type === 'markdown' ? lastHeading(source) : undefined),
  ({ type, source }) => (type === 'markdown' && source.trim() !== '' ? (lastHeading(source) ?? source) : undefined),
  ({ type, source }) => (type === 'code' ? /^\s*#[\s%]*([^\s%#!].*)/.exec(source)?.[1] : undefined),
  ({ type }) => (type === 'code' ? '' : undefined)
];

function divide(
  notebook: Notebook,
  titleOf: Divider
): { readonly tags: ReadonlyMap<number, readonly string[]>; readonly steps: number } {
  const tags = new Map<number, readonly string[]>();
  const names = new Set<string>();
  let title: string | undefined;
  let isInStep = false;
  let hasParameters = false;
  for (const cell of notebook.cells) {
    const found = titleOf(cell);
    if (found !== undefined) {
      title = found;
      isInStep = false;
    }
    if (cell.type !== 'code' || cell.source.trim() === '') continue;
    if (hasOnly(cell, importLine)) tags.set(cell.index, withRole(cell.tags, 'imports'));
    else if (names.size === 0 && !hasParameters && hasOnly(cell, constantLine)) {
      tags.set(cell.index, withRole(cell.tags, 'parameters'));
      hasParameters = true;
    } else if (!isInStep) {
      tags.set(cell.index, withStep(cell.tags, unusedName(stepNameFrom(title), names)));
      isInStep = true;
    }
  }
  return { tags, steps: names.size };
}

/** A name for a step that starts at this cell: from the heading above it, else a number. */
export function proposeStepName(notebook: Notebook, cell: number, taken: Iterable<string>): string {
  const names = new Set(taken);
  for (let index = cell - 1; index >= 0; index--) {
    const above = notebook.cells[index]!;
    if (above.type === 'code') break;
    const heading = lastHeading(above.source);
    if (heading !== undefined) return unusedName(stepNameFrom(heading), names);
  }
  return unusedName('step', names);
}

/** `## 2. Train the model!` gives `train_model`: a name that a narrow panel has room for. */
export function stepNameFrom(heading: string | undefined): string {
  const words = (heading ?? '')
    .toLowerCase()
    .replace(/^[\d.\s]+(?=\D)/, '')
    .replace(/[’']/g, '')
    .split(/[^\p{L}\p{N}]+/u)
    .filter(word => word !== '');
  const telling = words.filter(word => !fillers.has(word));
  let name = '';
  for (const word of (telling.length > 0 ? telling : words).slice(0, 4)) {
    const longer = name === '' ? word : `${name}_${word}`;
    if (name !== '' && longer.length > mostLetters) break;
    name = longer;
  }
  return name.slice(0, mostLetters) || 'step';
}

const mostLetters = 26;
const fillers = new Set('a an and as at by for from how in into of on or our the this to using via we with'.split(' '));

function unusedName(base: string, names: Set<string>): string {
  let name = base === 'step' ? 'step_1' : base;
  for (let i = 2; names.has(name); i++) name = `${base}_${i}`;
  names.add(name);
  return name;
}

// A title at level 1 names the notebook, unless it stands alone above its code; the last heading is the nearest.
function lastHeading(source: string): string | undefined {
  return [...source.matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)].at(-1)?.[1];
}

const importLine = /^(import|from)\s|^%/;
const constantLine =
  /^[A-Za-z_]\w*\s*(:\s*[\w.[\]]+\s*)?=\s*(-?[\d.][\d_.eE+-]*|"[^"\\]*"|'[^'\\]*'|True|False|None)\s*(#.*)?$/;

function hasOnly(cell: Cell, line: RegExp): boolean {
  const lines = cell.source.split('\n').filter(text => text.trim() !== '' && !text.startsWith('#'));
  let isOpen = false;
  return (
    lines.length > 0 &&
    lines.every(text => {
      const fits = isOpen || line.test(text);
      isOpen = line === importLine && (isOpen ? !text.includes(')') : text.includes('(') && !text.includes(')'));
      return fits;
    })
  );
}
