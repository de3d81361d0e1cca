// What requests bring in their bodies. Each is checked here, once, where it comes in.
import type { IncomingMessage } from 'node:http';
import { isRecord, type ModulesRequest, type SubmitRequest } from '@sluice/core';
import { PipelineError } from './errors.js';
import type { Restoring } from './snapshots/library.js';

/** @throws PipelineError `too-large`, `bad-request` */
export async function readJson(request: IncomingMessage, mostBytes: number): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= mostBytes) chunks.push(chunk); // the rest is read and dropped, so that the answer arrives
  }
  if (length > mostBytes)
    throw new PipelineError(
      `The notebook as sent takes ${length} bytes, more than the ${mostBytes} that Sluice takes. Clear its outputs and run again.`,
      'too-large'
    );
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (cause) {
    throw new PipelineError('The request’s body is not JSON.', 'bad-request', { cause });
  }
}

/** Parameters are checked against the pipeline later. */
export function toSubmitRequest(body: unknown): SubmitRequest {
  const { notebook, content, parameters, runner, target, selection, resume, cache } = toObject(body);
  if (typeof notebook !== 'string' || notebook === '') throw bad('‘notebook’ must be the path of a notebook');
  if (parameters !== undefined && !isRecord(parameters)) throw bad('‘parameters’ must be an object');
  if (runner !== undefined && typeof runner !== 'string') throw bad('‘runner’ must be a name');
  if (target !== undefined && !isTarget(target)) throw bad('‘target’ must be an object with ‘context’ and ‘namespace’');
  if (resume !== undefined && typeof resume !== 'string') throw bad('‘resume’ must be the id of a run');
  if (cache !== undefined && typeof cache !== 'boolean') throw bad('‘cache’ must be true or false');
  if (selection !== undefined && !(isRecord(selection) && Object.values(selection).every(v => typeof v === 'string')))
    throw bad('‘selection’ must be an object of step names');
  return {
    notebook,
    ...(content === undefined ? {} : { content }),
    ...(parameters === undefined ? {} : { parameters: parameters as NonNullable<SubmitRequest['parameters']> }),
    ...(runner === undefined ? {} : { runner }),
    ...(target === undefined ? {} : { target }),
    ...(selection === undefined ? {} : { selection }),
    ...(resume === undefined ? {} : { resume }),
    ...(cache === undefined ? {} : { cache })
  };
}

export function toModulesRequest(body: unknown): ModulesRequest {
  const { notebook, kernel, stars, imports } = toObject(body);
  if (typeof notebook !== 'string' || notebook === '') throw bad('‘notebook’ must be the path of a notebook');
  if (kernel !== undefined && typeof kernel !== 'string') throw bad('‘kernel’ must be a name');
  if (!isModules(stars)) throw bad('‘stars’ must be a list of modules');
  if (!isModules(imports)) throw bad('‘imports’ must be a list of modules');
  return { notebook, stars, imports, ...(kernel === undefined ? {} : { kernel }) };
}

export function toRestoring(body: unknown): Restoring {
  const { to, paths, isUndo } = toObject(body);
  if (to !== undefined && (typeof to !== 'string' || to === '')) throw bad('‘to’ must be the path of a folder');
  if (paths !== undefined && !(Array.isArray(paths) && paths.every(path => typeof path === 'string')))
    throw bad('‘paths’ must be a list of paths in the snapshot');
  return {
    ...(to === undefined ? {} : { to }),
    ...(paths === undefined ? {} : { paths }),
    isUndo: isUndo === true
  };
}

/** Whether a claim can have the name, the cluster says. */
export function toClaim(body: unknown): string {
  const { to } = toObject(body);
  if (typeof to !== 'string' || to === '') throw bad('‘to’ must be the name of a new volume’s claim');
  return to;
}

export function toRenaming(body: unknown): { readonly from: string; readonly to: string } {
  const { from, to } = isRecord(body) ? body : {};
  if (typeof from !== 'string' || typeof to !== 'string' || from === '' || to === '')
    throw bad('‘from’ and ‘to’ must be paths of the same notebook or folder');
  return { from, to };
}

const bad = (what: string): PipelineError => new PipelineError(`In the request, ${what}.`, 'bad-request');

function toObject(body: unknown): Readonly<Record<string, unknown>> {
  if (!isRecord(body)) throw bad('the body must be an object');
  return body;
}

function isTarget(value: unknown): value is NonNullable<SubmitRequest['target']> {
  return isRecord(value) && ['context', 'namespace'].every(key => ['string', 'undefined'].includes(typeof value[key]));
}

const isModules = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every(module => typeof module === 'string' && /^[\p{L}\p{N}_.]+$/u.test(module));
