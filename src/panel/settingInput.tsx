// A setting as a field of a form: empty it takes what is in grey, changed it can be reset. A value is written into the notebook when its field is
// left or Enter is pressed; one that cannot be is refused where it is typed.
import type { PartialJSONValue } from '@lumino/coreutils';
import * as React from 'react';
import * as settings from '../stepSettings';
import { usePanel } from './context';
import { FieldEnd } from './fieldEnd';

export interface SettingInputProps {
  readonly field: settings.SettingField;
  /** as it stands in the notebook */
  readonly written: PartialJSONValue | undefined;
  /** what it would be without that, where something else says so */
  readonly inherited?: unknown;
  readonly check?: settings.Check;
  /** undefined takes it away */
  onWrite(value: PartialJSONValue | undefined): void;
}

export function SettingInput({ field, written, inherited, check, onWrite }: SettingInputProps): React.JSX.Element {
  const { trans } = usePanel();
  const id = React.useId();
  const [typed, setTyped] = React.useState<string>();
  const reading = typed === undefined ? undefined : settings.readSetting(field, typed, trans, check);
  const problem =
    reading === undefined
      ? settings.findFault(field, written, trans, check)
      : 'problem' in reading
        ? reading.problem
        : undefined;
  const write = (value: PartialJSONValue | undefined): void => {
    setTyped(undefined);
    if (settings.formatSetting(field, value) !== settings.formatSetting(field, written)) onWrite(value);
  };
  const commit = (): void => {
    if (reading && 'value' in reading) write(reading.value);
  };
  const onKeyDown = (event: React.KeyboardEvent): void => {
    if (event.key === 'Escape' && typed !== undefined) setTyped(undefined);
    else if (event.key === 'Enter' && !settings.isLong(field)) commit();
    else return;
    event.stopPropagation();
  };
  const common = {
    id,
    'aria-invalid': problem !== undefined,
    'aria-describedby': problem === undefined ? undefined : `${id}problem`
  };
  const without = settings.formatSetting(field, inherited) || field.without;
  const text = {
    ...common,
    className: 'jp-mod-styled',
    spellCheck: false,
    placeholder: without,
    value: typed ?? settings.formatSetting(field, written),
    onBlur: commit,
    onKeyDown
  };
  // an object is indented, which takes the whole width
  const isWide = field.kind === 'object' && text.value.includes('\n');
  const isChanged = written !== undefined || typed !== undefined;
  const isOn = (written ?? inherited ?? field.without === 'true') === true;
  return (
    <div className={`jp-Sluice-parameter${isChanged ? ' jp-mod-changed' : ''}${isWide ? ' jp-mod-wide' : ''}`}>
      <label htmlFor={id} title={`${field.key}: ${field.hint}`}>
        {field.label}
      </label>
      {field.kind === 'flag' ? (
        <span className="jp-Sluice-check">
          <input
            {...common}
            type="checkbox"
            checked={isOn}
            onChange={({ target: { checked } }) =>
              write(checked === (inherited ?? field.without === 'true') ? undefined : checked)
            }
          />
        </span>
      ) : field.kind === 'choice' ? (
        <select
          {...common}
          className="jp-Sluice-select"
          value={settings.formatSetting(field, written)}
          onChange={({ target }) => write(target.value === '' ? undefined : target.value)}
        >
          <option value="">{without}</option>
          {choicesOf(field, written).map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      ) : settings.isLong(field) ? (
        <textarea
          {...text}
          rows={Math.min(isWide ? 14 : 6, text.value.split('\n').length)}
          onChange={({ target }) => setTyped(target.value)}
        />
      ) : (
        <input
          {...text}
          type="text"
          inputMode={field.kind === 'number' ? 'numeric' : 'text'}
          onChange={({ target }) => setTyped(target.value)}
        />
      )}
      <FieldEnd
        {...{ id, isChanged, problem }}
        title={trans.__('Take ‘%1’ away here', field.label)}
        label={trans.__('Reset %1', field.label)}
        onReset={() => write(undefined)}
      />
    </div>
  );
}

/** What is written can be seen, whatever it is. */
function choicesOf(field: settings.SettingField, written: unknown): NonNullable<settings.SettingField['choices']> {
  const choices = field.choices ?? [];
  const value = settings.formatSetting(field, written);
  return value === '' || choices.some(([known]) => known === value) ? choices : [...choices, [value, value]];
}
