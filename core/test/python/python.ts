// The real Python parser for tests: both WebAssembly programs read from node_modules, made ready once per test file.
import { readFileSync } from 'node:fs';
import { makeParser, type ParserPrograms, type PythonParser } from '../../src/python/parser';

let ready: Promise<PythonParser> | undefined;

export function parser(): Promise<PythonParser> {
  ready ??= makeParser(programs());
  return ready;
}

export function programs(): ParserPrograms {
  return {
    runtime: readFileSync(require.resolve('web-tree-sitter/web-tree-sitter.wasm')),
    grammar: readFileSync(require.resolve('tree-sitter-python/tree-sitter-python.wasm'))
  };
}
