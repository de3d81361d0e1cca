// Calls on constants that are folded: `os.path.join`, `Path(…)`, `str(…)`, `"…".format(…)`.
import { joinPaths, printed } from './fold.js';
import type { Arguments } from './arguments.js';
import type { Folded, Value } from './thing.js';

function constants(values: readonly Value[]): Folded[] | undefined {
  const found = values.map(({ constant }) => constant).filter(constant => constant !== undefined);
  return found.length === values.length ? found : undefined;
}

export function foldCall(path: string, args: Arguments): Folded | undefined {
  const given = args.keywords.length === 0 ? constants(args.positional) : undefined;
  if (!given) return undefined;
  const texts = given.map(({ value }) => printed(value));
  switch (path) {
    case 'os.path.join':
    case 'posixpath.join':
      return { value: joinPaths(texts) };
    case 'pathlib.Path':
    case 'pathlib.PurePath':
    case 'pathlib.PosixPath':
      return { value: texts.length === 0 ? '.' : joinPaths(texts), isPath: true };
    case 'builtins.str':
    case 'os.fspath':
      return texts.length === 1 ? { value: texts[0]! } : undefined;
  }
  return undefined;
}

export function foldMethod(base: Value, name: string, args: Arguments): Folded | undefined {
  const { constant } = base;
  if (typeof constant?.value !== 'string') return undefined;
  const given = args.keywords.length === 0 ? constants(args.positional) : undefined;
  if (!given) return undefined;
  const texts = given.map(({ value }) => printed(value));
  if (constant.isPath) {
    if (name === 'joinpath') return { value: joinPaths([constant.value, ...texts]), isPath: true };
    if (name === 'with_suffix')
      return { value: constant.value.replace(/\.[^./]*$/, '') + (texts[0] ?? ''), isPath: true };
    if (name === 'as_posix') return { value: constant.value };
    if (name === 'expanduser' || name === 'resolve' || name === 'absolute') return constant;
    return undefined;
  }
  if (name === 'format' && !/\{[^}]*[^}\d][^}]*\}/.test(constant.value)) {
    let next = 0;
    return {
      value: constant.value.replace(/\{(\d*)\}/g, (_, index) => texts[index === '' ? next++ : Number(index)] ?? '')
    };
  }
  if (name === 'strip' && texts.length === 0) return { value: constant.value.trim() };
  if (name === 'lower') return { value: constant.value.toLowerCase() };
  if (name === 'upper') return { value: constant.value.toUpperCase() };
  return undefined;
}
