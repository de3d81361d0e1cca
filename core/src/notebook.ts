// A notebook as Sluice sees it: the cells with their tags, and the metadata that matter. Outputs are left behind.
import { position, type Diagnostic } from './diagnostic.js';
import { describeType, isRecord, readJson, type JsonRecord } from './json.js';

export interface Cell {
  /** index among all cells of the notebook, from 0 */
  readonly index: number;
  /** nbformat 4.5's cell id, where there is one */
  readonly id?: string;
  readonly type: 'code' | 'markdown' | 'raw';
  readonly source: string;
  readonly tags: readonly string[];
}

export interface Notebook {
  /** the file's name without folder and extension; undefined where the notebook comes from no file */
  readonly fileName?: string;
  readonly cells: readonly Cell[];
  /** the kernelspec's name; undefined where the notebook does not say */
  readonly kernel?: string;
  /** lower case, e.g. `python`; undefined where the notebook does not say */
  readonly language?: string;
  /** the whole metadata object of the notebook, unchecked: outline.ts reads `sluice` and `kubeflow_notebook` from it */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** what was wrong with the file, although it could be read; the outline reports it among its own */
  readonly problems?: readonly Diagnostic[];
}

export interface NotebookReading {
  /** undefined where nothing of it could be read; otherwise it carries the diagnostics, too, as `problems` */
  readonly notebook?: Notebook;
  readonly diagnostics: readonly Diagnostic[];
}

/** Read a notebook file's text. `path` gives the pipeline its name where the notebook has none. */
export function readNotebook(text: string, path?: string): NotebookReading {
  const withoutMark = text.replace(/^\uFEFF/, '');
  if (withoutMark.trim() === '')
    return fail('notebook-not-json', 'The notebook file is empty. Save the notebook again.');
  const reading = readJson(withoutMark);
  if ('value' in reading) return toNotebook(reading.value, path);
  const { line, column } = position(withoutMark, reading.offset);
  return fail(
    'notebook-not-json',
    /^<{7} /m.test(withoutMark)
      ? `The notebook file holds an unresolved merge conflict (line ${line}). Resolve it, for example with nbdime.`
      : `The notebook file is not valid JSON: at line ${line}, column ${column} ${reading.message}. Restore the file, or save the notebook again.`
  );
}

/** Take a notebook that is parsed already, as from an editor's model. Whatever `json` is, it gives cells or diagnostics. */
export function toNotebook(json: unknown, path?: string): NotebookReading {
  if (!isRecord(json)) return fail('notebook-format', `The file is not a notebook: it holds ${describeType(json)}.`);
  const problem = checkFormat(json);
  if (problem !== undefined) return fail('notebook-format', problem);
  const diagnostics: Diagnostic[] = [];
  const cells = (json.cells as readonly unknown[]).map((cell, index) => toCell(cell, index, diagnostics));
  const metadata = isRecord(json.metadata) ? json.metadata : {};
  if (json.metadata !== undefined && !isRecord(json.metadata)) {
    const message = `The notebook's metadata are ${describeType(json.metadata)} instead of an object; they are ignored.`;
    diagnostics.push({ code: 'notebook-format', severity: 'warning', message });
  }
  const problems = diagnostics.length === 0 ? {} : { problems: diagnostics };
  return { notebook: { ...toFileName(path), cells, ...readKernel(metadata), metadata, ...problems }, diagnostics };
}

function fail(code: string, message: string): NotebookReading {
  return { diagnostics: [{ code, severity: 'error', message }] };
}

function checkFormat(json: JsonRecord): string | undefined {
  const { nbformat } = json;
  if (nbformat === undefined) return 'The file is not a notebook: it has no ‘nbformat’.';
  if (typeof nbformat !== 'number')
    return `The notebook's ‘nbformat’ is ${describeType(nbformat)} instead of the number 4.`;
  if (nbformat < 4)
    return `The notebook is in the old format ${nbformat}. Convert it to format 4: open and save it in JupyterLab, or run ‘jupyter nbconvert --to notebook’.`;
  if (nbformat >= 5) return `The notebook is in format ${nbformat}, which Sluice does not know. Save it in format 4.`;
  if (!Array.isArray(json.cells))
    return `The notebook has no list of cells: ‘cells’ is ${describeType(json.cells)}. Restore the file.`;
  return undefined;
}

// A cell that cannot be read stays in its place, empty, so that the others keep their numbers.
function toCell(json: unknown, index: number, diagnostics: Diagnostic[]): Cell {
  const say = (severity: 'error' | 'warning', what: string): void => {
    const message = `Cell ${index + 1} ${what}`;
    diagnostics.push({ code: 'notebook-cell', severity, message, range: { cell: index, from: 0, to: 0 } });
  };
  const nothing: Cell = { index, type: 'raw', source: '', tags: [] };
  if (!isRecord(json)) {
    say('error', `is ${describeType(json)} instead of an object. Delete it, or restore the file.`);
    return nothing;
  }
  const type = json.cell_type;
  if (type !== 'code' && type !== 'markdown' && type !== 'raw') {
    const given = typeof type === 'string' ? `the type ‘${type}’` : 'no type';
    say('error', `has ${given}. A cell is ‘code’, ‘markdown’ or ‘raw’: restore the file.`);
    return nothing;
  }
  const source = joinSource(json.source);
  if (source === undefined)
    say('error', `has no readable source: it is ${describeType(json.source)}. Restore the file.`);
  const tags = readCellTags(json.metadata);
  if (tags === undefined)
    say('warning', 'has tags that are not a list of texts; they are ignored. Set its tags again.');
  const id = typeof json.id === 'string' ? { id: json.id } : {};
  return { index, ...id, type, source: source ?? '', tags: tags ?? [] };
}

// nbformat allows one text or a list of lines that keep their line ends.
function joinSource(source: unknown): string | undefined {
  if (typeof source === 'string') return source;
  if (Array.isArray(source) && source.every(line => typeof line === 'string')) return source.join('');
  return undefined;
}

function readCellTags(metadata: unknown): readonly string[] | undefined {
  if (!isRecord(metadata) || metadata.tags === undefined) return [];
  return Array.isArray(metadata.tags) && metadata.tags.every(tag => typeof tag === 'string')
    ? metadata.tags
    : undefined;
}

function readKernel(metadata: JsonRecord): { kernel?: string; language?: string } {
  const spec = isRecord(metadata.kernelspec) ? metadata.kernelspec : {};
  const info = isRecord(metadata.language_info) ? metadata.language_info : {};
  const language = [info.name, spec.language].find(name => typeof name === 'string' && name !== '') as
    string | undefined;
  return {
    ...(typeof spec.name === 'string' && spec.name !== '' ? { kernel: spec.name } : {}),
    ...(language !== undefined ? { language: language.toLowerCase() } : {})
  };
}

function toFileName(path: string | undefined): { fileName?: string } {
  const fileName = path
    ?.split(/[\\/]/)
    .at(-1)
    ?.replace(/\.ipynb$/, '');
  return fileName ? { fileName } : {};
}
