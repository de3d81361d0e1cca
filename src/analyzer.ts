// The analyzer needs the Python parser, 670 kB of WebAssembly. It is fetched once, when the first notebook opens, and shared by all.
import { makeAnalyzer, makeParser, type Analyzer, type PythonParser } from '@sluice/core';
import { readPrograms } from './programs';

let parser: Promise<PythonParser> | undefined;

/** An analyzer of its own for each notebook, since it remembers the cells it has read. */
export async function loadAnalyzer(): Promise<Analyzer> {
  parser ??= readPrograms().then(makeParser);
  try {
    return makeAnalyzer(await parser);
  } catch (error) {
    parser = undefined;
    throw error;
  }
}
