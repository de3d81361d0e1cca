// Names that Kubernetes takes, made of what people write: whoever makes an object and whoever looks for it come to the same.
import { toLabelValue, toObjectName } from '../src/cluster/names.js';

const isLabelValue = /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;
const isObjectName = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

test.each([
  ['a plain one stays', 'train_model.v2', 'train_model.v2', /^train-model-v2-[a-z0-9]{7}$/],
  ['lower case letters and dashes', 'train-model', 'train-model', /^train-model$/],
  ['capitals', 'Train', 'Train', /^train-[a-z0-9]{7}$/],
  ['a space', 'train model', /^train-model-[a-z0-9]{7}$/, /^train-model-[a-z0-9]{7}$/],
  ['accents', 'prépare', /^prepare-[a-z0-9]{7}$/, /^prepare-[a-z0-9]{7}$/],
  ['no letter at all', '数据', /^x-[a-z0-9]{7}$/, /^x-[a-z0-9]{7}$/],
  ['nothing', '', /^x-[a-z0-9]{7}$/, /^x-[a-z0-9]{7}$/],
  ['a dash first', '-a', /^a-[a-z0-9]{7}$/, /^a-[a-z0-9]{7}$/],
  ['63 characters', 'x'.repeat(63), 'x'.repeat(63), /^x{63}$/],
  ['64 characters', 'x'.repeat(64), /^x{55}-[a-z0-9]{7}$/, /^x{55}-[a-z0-9]{7}$/]
])('%s', (_, text, label, name) => {
  expect(toLabelValue(text)).toMatch(isLabelValue);
  expect(toLabelValue(text)).toEqual(typeof label === 'string' ? label : expect.stringMatching(label));
  expect(toObjectName(text)).toMatch(isObjectName);
  expect(toObjectName(text)).toMatch(name);
});

const alike = ['train model', 'train-model', 'train/model', 'Train Model', `${'x'.repeat(70)}1`, `${'x'.repeat(70)}2`];
test.each([
  ['labels', (name: string) => toLabelValue(name)],
  ['objects', (name: string) => toObjectName('sluice', name)]
])('different names stay different: %s', (_, toName) => expect(new Set(alike.map(toName)).size).toBe(alike.length));
