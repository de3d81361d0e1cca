// Why a step would not do again what it did in a past run, in words of the user; no difference means that it would.
import type { JsonValue } from '@sluice/core';
import { isSameContent } from './bundles.js';
import type { Environment } from './environment.js';
import type { Given, Input } from './given.js';
import type { Depends } from './outcomes.js';
import type { Content, Tree } from './tree.js';

export interface Now {
  readonly given: Given;
  readonly tree: Tree;
  /** path of the notebook itself, relative to its folder: it changes with each edit */
  readonly notebook: string | undefined;
  executionOf(step: string): string | undefined;
  /** the file of an input as it is now, and of the artifact as it was then */
  pathOf(input: Input): string;
  pathThen(input: Input): string;
  recall(environment: string): Environment | undefined;
  /** a hash of the variable that the step would find, or null */
  variable(name: string): string | null;
}

/** Phrases such as `‘n’ is 5, was 3`, the most telling first. */
export async function findDifferences(then: Depends, now: Now): Promise<string[]> {
  const known = [
    ...(then.given.source === now.given.source ? [] : ['its source changed']),
    ...compareParameters(then.given, now.given),
    ...(await compareInputs(then.given, now)),
    ...compareVariables(then.given.env, now.given.env),
    ...Object.entries(then.variables ?? {})
      .filter(([name, value]) => !Object.hasOwn(now.given.env, name) && now.variable(name) !== value)
      .map(([name]) => describeVariable(name)),
    ...compareEnvironments(then.given.environment, now),
    ...(then.given.runtime === now.given.runtime ? [] : ['Sluice changed']),
    ...Object.entries(then.after)
      .filter(([step, execution]) => now.executionOf(step) !== execution)
      .map(([step]) => `step ‘${step}’ before it ran again`)
  ];
  if (known.length > 0) return known;
  return then.unsure === undefined ? compareFiles(then, now) : [then.unsure];
}

/** `Since run 12: its source changed; ‘n’ is 5, was 3.` */
export function describeDifferences(phrases: readonly string[], run: number): string {
  const shown = phrases.length > 4 ? [...phrases.slice(0, 3), `and ${phrases.length - 3} more`] : phrases;
  return `Since run ${run}: ${shown.join('; ')}.`;
}

function compareParameters({ parameters: then }: Given, { parameters: now }: Given): string[] {
  return Object.keys(now)
    .filter(name => JSON.stringify(now[name]) !== JSON.stringify(then[name]))
    .map(name =>
      Object.hasOwn(then, name) ? `‘${name}’ is ${brief(now[name]!)}, was ${brief(then[name]!)}` : `‘${name}’ is new`
    );
}

function brief(value: JsonValue): string {
  const text = typeof value === 'string' ? `‘${value}’` : JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}

async function compareInputs({ inputs: then }: Given, now: Now): Promise<string[]> {
  const phrases: string[] = [];
  for (const [name, input] of Object.entries(now.given.inputs)) {
    const before = then[name];
    const isSame =
      before !== undefined &&
      (await isSameContent(before.content, now.pathThen(before), input.content, now.pathOf(input)));
    if (!isSame) phrases.push(`${input.names.map(quote).join(', ')} of step ‘${input.step}’ changed`);
  }
  return phrases;
}

const quote = (name: string) => (name.includes(' ') ? name : `‘${name}’`);

function compareVariables(then: Given['env'], now: Given['env']): string[] {
  const names = new Set([...Object.keys(then), ...Object.keys(now)]);
  return [...names].filter(name => then[name] !== now[name]).map(describeVariable);
}

const describeVariable = (name: string) => `the environment variable ‘${name}’ changed`;

function compareEnvironments(id: string, { given, recall }: Now): string[] {
  if (id === given.environment) return [];
  const [then, now] = [recall(id), recall(given.environment)];
  if (then === undefined || now === undefined) return ['its environment changed'];
  const number = (python: string) => python.split(' ')[0]!;
  const python =
    then.python === now.python
      ? []
      : number(then.python) === number(now.python)
        ? ['Python is another build']
        : [`Python is ${number(now.python)}, was ${number(then.python)}`];
  const names = [...new Set([...Object.keys(now.packages), ...Object.keys(then.packages)])].sort();
  const packages = names
    .filter(name => then.packages[name] !== now.packages[name])
    .map(name => compare(`${name} is`, then.packages[name], now.packages[name]));
  return [...python, ...packages];
}

function compare(subject: string, then: string | undefined, now: string | undefined): string {
  if (now === undefined) return `${subject} gone`;
  return then === undefined ? `${subject} new` : `${subject} ${now}, was ${then}`;
}

async function compareFiles({ read, listed, asked = {}, whole }: Depends, { tree, notebook }: Now): Promise<string[]> {
  const phrases: string[] = [];
  for (const [path, then] of Object.entries(read)) {
    const now = await tree.read(path);
    if (now !== then) phrases.push(`‘${path}’ ${describeChange(then, now)}`);
  }
  for (const [path, then] of Object.entries(asked)) {
    const now = await tree.kind(path);
    if (now !== then) phrases.push(`‘${path}’ ${describeChange(then, now)}`);
  }
  for (const [path, then] of Object.entries(listed))
    if ((await tree.list(path)) !== then)
      phrases.push(`there are other files in ${path === '' ? 'the notebook’s folder' : `‘${path}’`}`);
  if (phrases.length === 0 && whole !== undefined && (await tree.readAll(notebook)) !== whole.content)
    phrases.push(describeWhole(whole));
  return phrases;
}

function describeWhole({ because }: NonNullable<Depends['whole']>): string {
  return `files changed, and it uses ${because}, which may read any of them`;
}

/** Whether these differences only say that it can't be told whether anything has changed. */
export function isDoubt([only, ...others]: readonly string[], { unsure, whole }: Depends): boolean {
  if (only === undefined || others.length > 0) return false;
  return only === unsure || (whole !== undefined && only === describeWhole(whole));
}

function describeChange(then: Content, now: Content | undefined): string {
  if (now === null) return 'is gone';
  return then === null ? 'is new' : 'changed';
}
