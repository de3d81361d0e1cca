// docs/diagnostics.md has every code, and each of its examples gives the code that it stands under.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { makeAnalyzer } from '../src/analyze.js';
import { readNotebook, toNotebook } from '../src/notebook.js';
import { parser } from './python/python.js';

const page = readFileSync(`${__dirname}/../../docs/diagnostics.md`, 'utf8');
const sections = page.split(/^### /m).slice(1);
const documented = sections.map(section => section.slice(0, section.indexOf('\n')));

const block = (section: string, language: string): string | undefined =>
  new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, 'm').exec(section)?.[1];

function toCells(source: string): object[] {
  return source
    .split(/^# %%/m)
    .slice(1)
    .map(text => {
      const [head, ...lines] = text.split('\n') as [string, ...string[]];
      const tags = head.split(' ').filter(Boolean);
      const isText = tags[0] === '[markdown]';
      return {
        cell_type: isText ? 'markdown' : 'code',
        metadata: { tags: isText ? tags.slice(1) : tags },
        source: lines.join('\n').trimEnd()
      };
    });
}

async function diagnose(section: string): Promise<string[]> {
  const file = block(section, 'ipynb');
  const metadata: unknown = JSON.parse(block(section, 'json') ?? '{}');
  const { notebook, diagnostics } =
    file === undefined
      ? toNotebook({ nbformat: 4, metadata, cells: toCells(block(section, 'python')!) })
      : readNotebook(file);
  if (notebook === undefined) return diagnostics.map(diagnostic => diagnostic.code);
  return makeAnalyzer(await parser())
    .analyze(notebook)
    .pipeline.diagnostics.map(diagnostic => diagnostic.code);
}

test.each(sections.map(section => [section.slice(0, section.indexOf('\n')), section]))(
  'the example of %s gives it',
  async (code, section) => expect(await diagnose(section)).toContain(code)
);

/** Codes as they stand in the source: in an object, or as what a helper that takes one is given first. */
function findCodes(folder: string): string[] {
  return readdirSync(folder).flatMap(name => {
    const path = `${folder}/${name}`;
    if (statSync(path).isDirectory()) return name === 'gen' || name === 'ir' ? [] : findCodes(path);
    const source = readFileSync(path, 'utf8');
    return [...source.matchAll(/(?:code: |\bsay\(\s*|\bremark\(\s*|\bfail\(\s*)'([a-z-]+)'/g)]
      .map(match => match[1]!)
      .filter(code => !/^(error|warning|info)$/.test(code));
  });
}

test('every code is documented, and no other', () => {
  expect([...new Set(findCodes(`${__dirname}/../src`))].sort()).toEqual([...documented].sort());
});

test('a code that only JupyterLab can give has a place among troubles', () => {
  const troubles = readFileSync(`${__dirname}/../../docs/guide/troubleshooting.md`, 'utf8');
  const codes = findCodes(`${__dirname}/../../src`);
  expect(codes).toContain('parser-missing');
  expect(codes.filter(code => !troubles.includes(`\`${code}\``))).toEqual([]);
});
