// What went wrong outside the notebook: files, processes, requests. Thrown as one class, and mapped once, here, to an HTTP or an exit status.
import { IrError, type ErrorBody } from '@sluice/core';

export type ErrorCode =
  | 'usage'
  | 'bad-request'
  | 'forbidden'
  | 'not-found'
  | 'too-large'
  | 'invalid-notebook'
  | 'invalid-ir'
  | 'invalid-parameter'
  | 'kernel-not-found'
  | 'packages'
  | 'no-values'
  | 'damaged'
  | 'workspace-too-large'
  | 'unreachable'
  | 'unauthorized'
  | 'remote'
  | 'closing'
  | 'storage'
  | 'internal';

export class PipelineError extends Error {
  override readonly name = 'PipelineError';
  constructor(
    message: string,
    readonly code: ErrorCode,
    readonly options: { readonly cause?: unknown; readonly detail?: unknown } = {}
  ) {
    super(message, { cause: options.cause });
  }
}

const httpStatuses: Record<ErrorCode, number> = {
  usage: 400,
  'bad-request': 400,
  forbidden: 403, // no secret, or a path that leads out of the server's root
  'not-found': 404,
  'too-large': 413,
  'invalid-notebook': 422, // the request is well formed; what it asks can't be done with this notebook
  'invalid-ir': 422,
  'invalid-parameter': 422,
  'kernel-not-found': 422,
  packages: 422, // what the steps import can't be had where they are to run
  'no-values': 422,
  damaged: 500, // a snapshot's object is not what was written; fsck says what it belongs to
  'workspace-too-large': 422,
  unreachable: 502, // the engine that should run the pipeline does not answer, or not as it should
  unauthorized: 422, // not 401: it is not to us that the user should log in
  remote: 502, // the engine refused
  closing: 503, // the sidecar ends after its last run; the next one takes the request
  storage: 507,
  internal: 500
};

export function httpStatus(error: unknown): number {
  return httpStatuses[toPipelineError(error).code];
}

const failures: ReadonlySet<ErrorCode> = new Set([
  'storage',
  'damaged',
  'internal',
  'closing',
  'unreachable',
  'remote'
]);

/** 2 where the user can change the command or the notebook and try again; 1 where this machine or an engine failed. */
export function exitStatus(error: unknown): 1 | 2 {
  const { code } = toPipelineError(error);
  return failures.has(code) ? 1 : 2;
}

export function errorBody(error: unknown): ErrorBody {
  const { code, message, options } = toPipelineError(error);
  return options.detail === undefined ? { code, message } : { code, message, detail: options.detail };
}

/** What any thrown thing is to us: the system's errors get the sentence that a user can act upon. */
export function toPipelineError(error: unknown): PipelineError {
  if (error instanceof PipelineError) return error;
  if (error instanceof IrError)
    return new PipelineError(error.message, 'invalid-ir', { cause: error, detail: { path: error.path } });
  const cause = error instanceof Error ? error : new Error(String(error));
  const { code, path, errcode } = cause as { code?: string; path?: string; errcode?: number };
  const where = path === undefined ? '' : ` (${path})`;
  // SQLITE_FULL is 13; its disk-full comes without a system code
  if (code === 'ENOSPC' || code === 'EDQUOT' || errcode === 13)
    return new PipelineError('The disk is full. Free some space and run again.', 'storage', { cause }); // Node’s path is another file’s
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return new PipelineError(
      `Sluice may not read or write a file that it needs${where}. Change its permissions, or set SLUICE_HOME to a folder of your own.`,
      'storage',
      { cause }
    );
  if (code === 'ENOENT' && path !== undefined)
    return new PipelineError(`There is no file ‘${path}’.`, 'not-found', { cause });
  // a part that is loaded only when it is needed has gone with the version that it was of
  if (code === 'ERR_MODULE_NOT_FOUND')
    return new PipelineError(
      'Sluice was installed anew while it was running. Restart Jupyter, and try again.',
      'internal',
      { cause }
    );
  return new PipelineError(cause.message, 'internal', { cause });
}
