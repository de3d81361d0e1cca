// The settings of a step, or of all steps, that a form can show: what is written for it, what it has without that, and text as typed, read and
// checked as core does it. What is set besides is left as it is.
import type { TranslationBundle } from '@jupyterlab/translation';
import {
  mergeSpecs,
  readMetadata,
  readStepSpec,
  readTags,
  type Notebook,
  type Outline,
  type StepSpec
} from '@sluice/core';
import type { PartialJSONObject, PartialJSONValue } from '@lumino/coreutils';
import { readLines, writeLines, type LinesKey } from './settingLines';
import { printObject, readObject } from './yaml';

export type SettingKey = keyof StepSpec & string;

export interface SettingField {
  readonly key: string;
  /** those after `choice` have as many lines as they need; `names` are texts, an `object` is YAML */
  readonly kind: 'text' | 'number' | 'flag' | 'choice' | 'pairs' | 'lines' | 'names' | 'object';
  /** of a choice: what is written, and how it reads */
  readonly choices?: readonly (readonly [value: string, text: string])[];
  /** what holds where nothing is set; for several lines how one is written */
  readonly without: string;
  readonly label: string;
  /** what it is for, in one sentence */
  readonly hint: string;
}

export interface SettingGroup {
  readonly title: string;
  readonly fields: readonly SettingField[];
}

export function settingGroups(trans: TranslationBundle): readonly SettingGroup[] {
  const none = trans.__('none');
  return [
    {
      title: trans.__('Everywhere'),
      fields: [
        field('cpu', 'text', none, trans.__('CPU'), trans.__('Cores that the step asks for, such as 2 or 500m.')),
        field('memory', 'text', none, trans.__('Memory'), trans.__('Memory that the step asks for, such as 4Gi.')),
        field(
          'memory_limit',
          'text',
          none,
          trans.__('Memory limit'),
          trans.__('It is ended when it uses more, such as 8Gi.')
        ),
        field('retries', 'number', '0', trans.__('Retries'), trans.__('How often a failed step is tried again.')),
        field(
          'retry_delay',
          'number',
          '0',
          trans.__('Wait (s)'),
          trans.__('Seconds before the first retry; later ones wait longer.')
        ),
        field('timeout', 'number', none, trans.__('Timeout (s)'), trans.__('Seconds for one attempt.')),
        field('env', 'pairs', 'NAME=value', trans.__('Variables'), trans.__('Variables of its process, one a line.')),
        field(
          'cache',
          'flag',
          'true',
          trans.__('Use cache'),
          trans.__('While nothing has changed, it is taken from cache.')
        ),
        field(
          'at_end',
          'flag',
          'false',
          trans.__('At the end'),
          trans.__('It runs when all others have ended, however they did.')
        )
      ]
    },
    {
      title: trans.__('On a cluster only'),
      fields: [
        field(
          'image',
          'text',
          trans.__('default'),
          trans.__('Image'),
          trans.__('Any with Python 3.9 or later, such as python:3.12; else one that fits the notebook’s Python.')
        ),
        {
          ...field(
            'image_pull_policy',
            'choice',
            trans.__('as the cluster does'),
            trans.__('Pull policy'),
            trans.__('When the cluster gets the image from its registry.')
          ),
          choices: [
            ['Always', trans.__('each time')],
            ['IfNotPresent', trans.__('where it is not there')],
            ['Never', trans.__('never')]
          ]
        },
        field(
          'image_pull_secrets',
          'names',
          'my-registry',
          trans.__('Pull secrets'),
          trans.__('Secrets that the registry asks for, one a line.')
        ),
        field(
          'cpu_limit',
          'text',
          none,
          trans.__('CPU limit'),
          trans.__('It gets no more cores than these, such as 4.')
        ),
        field('gpu', 'number', '0', trans.__('GPUs'), trans.__('How many accelerators it gets.')),
        field(
          'gpu_vendor',
          'text',
          'nvidia.com/gpu',
          trans.__('GPU kind'),
          trans.__('The accelerator’s name on the cluster.')
        ),
        field(
          'node_selector',
          'pairs',
          'disk=ssd',
          trans.__('Nodes'),
          trans.__('Labels that its node must have, one a line.')
        ),
        field(
          'tolerations',
          'lines',
          'gpu=yes:NoSchedule',
          trans.__('Tolerations'),
          trans.__(
            'Taints that its node may have, one a line: KEY=VALUE:EFFECT as kubectl writes them; KEY alone, whatever its value; * for all.'
          )
        ),
        field(
          'affinity',
          'object',
          'nodeAffinity: …',
          trans.__('Affinity'),
          trans.__(
            'Which nodes, and which pods beside it, in Kubernetes’ own words: nodeAffinity, podAffinity, podAntiAffinity.'
          )
        ),
        field(
          'secrets',
          'lines',
          'TOKEN=my-secret/token',
          trans.__('Secrets'),
          trans.__(
            'One a line: VARIABLE=SECRET/KEY, or /FOLDER=SECRET for its keys as files; then ‘ optional’ where the step can do without.'
          )
        ),
        field(
          'volumes',
          'lines',
          'my-claim:/data:ro',
          trans.__('Volumes'),
          trans.__(
            'Claims, one a line: CLAIM:/PATH or CLAIM/FOLDER:/PATH; ‘:ro’ for reading only; ‘ start’ or ‘ each-step’ for snapshots of it.'
          )
        ),
        field(
          'shared_memory',
          'text',
          none,
          trans.__('Shared memory'),
          trans.__('The size of /dev/shm, such as 2Gi, for programs that share memory between processes.')
        ),
        field(
          'security_context',
          'object',
          'runAsUser: 1000',
          trans.__('Security'),
          trans.__('Who it runs as, in Kubernetes’ own words: runAsUser, runAsGroup, runAsNonRoot.')
        ),
        field('labels', 'pairs', 'team=a', trans.__('Labels'), trans.__('Of its pod, one a line.')),
        field('annotations', 'pairs', 'owner=a', trans.__('Annotations'), trans.__('Of its pod, one a line.'))
      ]
    }
  ];
}

function field(
  key: SettingKey,
  kind: SettingField['kind'],
  without: string,
  label: string,
  hint: string
): SettingField {
  return { key, kind, without, label, hint };
}

/** What is written under `sluice.steps.NAME`, or under `sluice.defaults` for all steps; as it stands, right or wrong. */
export function writtenSettings({ metadata }: Notebook, step: string | undefined): PartialJSONObject {
  const ours = toObject((metadata as PartialJSONObject)['sluice']);
  return toObject(step === undefined ? ours['defaults'] : toObject(ours['steps'])[step]);
}

/** What the step has without that: from its tags, from all steps' settings, from Kale's. */
export function inheritedSettings(notebook: Notebook, outline: Outline, step: string | undefined): StepSpec {
  if (step === undefined) {
    const ours = { ...toObject((notebook.metadata as PartialJSONObject)['sluice']), defaults: {} };
    return readMetadata({ ...notebook, metadata: { ...notebook.metadata, sluice: ours } }).defaults;
  }
  const heads = outline.roles.flatMap((role, cell) =>
    role.kind === 'step' && role.isHead && role.step === step ? [cell] : []
  );
  const tagged = heads.map(cell => readTags(notebook.cells[cell]!.tags).spec);
  return mergeSpecs(readMetadata(notebook).defaults, ...tagged);
}

/** The text of a field; empty where there is nothing. */
export function formatSetting({ key, kind }: SettingField, value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'object') return String(value);
  if (kind === 'object') return printObject(value);
  if (Array.isArray(value) && kind === 'names') return value.join('\n');
  if (Array.isArray(value)) return kind === 'lines' ? writeLines(key as LinesKey, value) : JSON.stringify(value);
  return Object.entries(value as object)
    .map(([name, text]) => `${name}=${String(text)}`)
    .join('\n');
}

export type SettingReading = { readonly value: PartialJSONValue | undefined } | { readonly problem: string };

/** What is wrong with a value; undefined where nothing is. */
export type Check = (key: string, value: PartialJSONValue, trans: TranslationBundle) => string | undefined;

/** An empty field is no setting. */
export function readSetting(
  field: SettingField,
  text: string,
  trans: TranslationBundle,
  check: Check = checkSpec
): SettingReading {
  const trimmed = text.trim();
  if (trimmed === '') return { value: undefined };
  const checked = (value: PartialJSONValue): SettingReading => {
    const problem = check(field.key, value, trans);
    return problem === undefined ? { value } : { problem };
  };
  switch (field.kind) {
    case 'text':
    case 'choice':
      return checked(trimmed);
    case 'flag':
      return { value: trimmed === 'true' };
    case 'number':
      if (!/^\d+$/.test(trimmed)) return { problem: trans.__('‘%1’ must be a whole number, 0 or more.', field.label) };
      return checked(Number(trimmed));
    case 'pairs': {
      const lines = trimmed.split('\n').filter(line => line.trim() !== '');
      const wrong = lines.find(line => !/^\s*[^=\s][^=]*=/.test(line));
      if (wrong !== undefined)
        return {
          problem: trans.__('‘%1’ has no ‘=’ after a name. Write %2, one a line.', wrong.trim(), field.without)
        };
      const pairs = lines.map(line => [line.slice(0, line.indexOf('=')).trim(), line.slice(line.indexOf('=') + 1)]);
      return checked(Object.fromEntries(pairs) as PartialJSONObject);
    }
    case 'names':
      return checked(trimmed.split(/[\s,]+/));
    case 'object':
      try {
        return checked(readObject(trimmed, toCamelCase(field.key)));
      } catch (error) {
        return { problem: trans.__('This cannot be read as YAML. %1', (error as Error).message) };
      }
    case 'lines':
      try {
        return checked(readLines(field.key as LinesKey, trimmed));
      } catch (error) {
        const { message: line } = error as Error;
        return { problem: trans.__('‘%1’ cannot be read. Write it like %2, one a line.', line, field.without) };
      }
  }
}

/** As core does it. */
function checkSpec(key: string, value: PartialJSONValue, trans: TranslationBundle): string | undefined {
  return readStepSpec({ [key]: value }, trans.__('The settings')).problems[0];
}

/** What is wrong with a setting as it is written. */
export function findFault(
  { key }: SettingField,
  value: PartialJSONValue | undefined,
  trans: TranslationBundle,
  check: Check = checkSpec
): string | undefined {
  return value === undefined ? undefined : check(key, value, trans);
}

/** Whether it may need several lines. */
export const isLong = ({ kind }: SettingField): boolean => ['pairs', 'lines', 'names', 'object'].includes(kind);

/** `memory 4Gi, retries 2, secrets`: in one line what is set here. */
export function summarizeSettings(settings: Readonly<Record<string, unknown>>): string {
  return Object.entries(settings)
    .map(([key, value]) => (typeof value === 'object' || value === true ? key : `${key} ${String(value)}`))
    .join(', ');
}

/** Names of what is set here and has no field. */
export function otherSettings(settings: PartialJSONObject, groups: readonly SettingGroup[]): readonly string[] {
  const shown = new Set<string>(groups.flatMap(({ fields }) => fields.map(({ key }) => key)));
  return Object.keys(settings).filter(key => !shown.has(key));
}

/** As Kubernetes writes it. */
function toCamelCase(key: string): string {
  return key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

export function toObject(json: unknown): PartialJSONObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as PartialJSONObject) : {};
}
