// IR that is none is refused with the reason and the place.
import { compilePipeline } from '../../src/ir/compile.js';
import { IrError } from '../../src/ir/ir.js';
import { printIr } from '../../src/ir/print.js';
import { readIr } from '../../src/ir/read.js';
import { options, pipeline, step } from './pipelines.js';

const valid = printIr(compilePipeline(pipeline(step('a', { spec: { timeout: 5 } })), options));

function problem(text: string): string {
  try {
    readIr(text);
  } catch (error) {
    expect(error).toBeInstanceOf(IrError);
    return (error as IrError).message;
  }
  throw new Error('The IR was read.');
}

test.each<[string, string, RegExp]>([
  ['nothing', '', /is empty/],
  ['a text', 'hello', /must be an object, but it is a text/],
  ['broken YAML', 'a: [1\nb: 2', /not valid YAML: line 2/],
  ['a tab', 'a:\n\tb: 1', /not valid YAML: line 2/],
  ['a notebook', '{"nbformat": 4, "cells": []}', /is a notebook, not IR/],
  ['a KFP 1 workflow', 'apiVersion: argoproj.io/v1alpha1\nkind: Workflow', /KFP 1/],
  ['another schema', 'schemaVersion: 2.0.0', /schema version ‘2.0.0’/],
  [
    'an unknown key',
    valid.replace('cachingOptions:', 'cachingOption:'),
    /unknown key ‘cachingOption’ at ‘root.dag.tasks.a.cachingOption’/
  ],
  [
    'an unknown key of an executor',
    valid.replace('image:', 'imge:'),
    /unknown key ‘imge’ at ‘deploymentSpec.executors.exec-a.container.imge’/
  ],
  [
    'an unknown key of the platform',
    valid.replace('activeDeadlineSeconds:', 'deadline:'),
    /unknown key ‘deadline’ at ‘platforms.kubernetes.deploymentSpec.executors.exec-a.deadline’/
  ],
  ['a wrong type', valid.replace('enableCache: true', 'enableCache: 3'), /not valid.*enable_?[cC]ache/],
  ['no root', 'schemaVersion: 2.1.0\npipelineInfo:\n  name: p', /no ‘root.dag’/],
  ['three documents', `${valid}---\na: 1\n`, /more than two documents/]
])('%s is refused', (_, text, expected) => expect(problem(text)).toMatch(expected));

test('JSON is YAML, too', () => {
  const ir = compilePipeline(pipeline(step('a')), options);
  expect(readIr(JSON.stringify(ir.pipeline))).toEqual(ir);
});

test('aliases cannot blow up', () => {
  const bomb = [
    'a: &a [x, x, x, x, x, x, x, x, x]',
    ...'bcdefgh'.split('').map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefgh'[i]}`).join(', ')}]`)
  ];
  expect(() => readIr(bomb.join('\n'))).toThrow();
});
