// What the system's errors become for people.
import { PipelineError, toPipelineError } from '../src/errors.js';

const failure = (properties: object): Error => Object.assign(new Error('boom'), properties);

test.each<[string, unknown, string, RegExp]>([
  ['ours', new PipelineError('No.', 'usage'), 'usage', /^No\.$/],
  ['a full disk', failure({ code: 'ENOSPC' }), 'storage', /^The disk is full/],
  ['a full disk under SQLite', failure({ errcode: 13 }), 'storage', /^The disk is full/],
  ['no permission', failure({ code: 'EACCES', path: '/a' }), 'storage', /needs \(\/a\)\. Change its permissions/],
  ['no file', failure({ code: 'ENOENT', path: '/a' }), 'not-found', /^There is no file ‘\/a’\.$/],
  ['a version that is gone', failure({ code: 'ERR_MODULE_NOT_FOUND' }), 'internal', /Restart Jupyter/],
  ['anything else', 'boom', 'internal', /^boom$/]
])('%s', (_, error, code, message) =>
  expect(toPipelineError(error)).toMatchObject({ code, message: expect.stringMatching(message) })
);
