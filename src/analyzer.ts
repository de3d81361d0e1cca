// The analyzer needs the Python parser, 670 kB of WebAssembly. It is fetched once, when the first notebook opens, and shared by all.
import { makeAnalyzer, makeParser, type Analyzer, type PythonParser } from '@sluice/core';
import { readPrograms } from './programs';

let parser: Promise<PythonParser> | undefined;

/** An analyzer of its own for each notebook, since it remembers the cells it has read. */
export async function loadAnalyzer(): Promise<Analyzer> {
  parser ??= readPrograms().then(makeParser);
  try {
    return measured(makeAnalyzer(await parser));
  } catch (error) {
    parser = undefined;
    throw error;
  }
}

/** How long each analysis takes shows in the browser's profiler; `make bench` reads it there. Only the last one is kept. */
function measured(analyzer: Analyzer): Analyzer {
  return {
    ...analyzer,
    analyze(...given) {
      const start = performance.now();
      const analysis = analyzer.analyze(...given);
      performance.clearMeasures('sluice-analysis');
      performance.measure('sluice-analysis', { start });
      return analysis;
    }
  };
}
