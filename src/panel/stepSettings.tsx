// What a step asks for, as a form, or what all steps do: an empty field takes what is in grey, a changed one can be reset. A value is written into
// the notebook when its field is left or Enter is pressed; one that cannot be is refused where it is typed.
import { caretDownIcon } from '@jupyterlab/ui-components';
import type { PartialJSONValue } from '@lumino/coreutils';
import * as React from 'react';
import { setSetting } from '../editing';
import * as settings from '../stepSettings';
import { usePanel } from './context';
import { FieldEnd } from './fieldEnd';

interface OfStep {
  /** undefined: of all steps */
  readonly step: string | undefined;
}

/** Folded to one line that says what is set. */
export function StepSettings({ step }: { readonly step: string }): React.JSX.Element {
  const { pipeline, trans } = usePanel();
  const { settingsWanted } = pipeline;
  const [isOpen, setOpen] = React.useState(settingsWanted === step);
  const node = React.useRef<HTMLDivElement>(null);
  React.useEffect(() => {
    if (settingsWanted !== step) return;
    setOpen(true);
    if (!isOpen) return;
    pipeline.wantSettings(undefined);
    node.current?.querySelector('input')?.focus();
  }, [settingsWanted, step, isOpen]);
  return (
    <div ref={node} className="jp-Sluice-stepSettings">
      <button
        type="button"
        className="jp-Sluice-foldLine"
        aria-expanded={isOpen}
        aria-label={trans.__('Settings of %1', step)}
        onClick={() => setOpen(!isOpen)}
      >
        <caretDownIcon.react tag="span" className="jp-Sluice-caret" width="14px" height="14px" />
        {trans.__('Settings')}
        <span className="jp-Sluice-foldAside">
          {settings.summarizeSettings(settings.writtenSettings(pipeline.notebook, step))}
        </span>
      </button>
      {isOpen && <SettingsForm step={step} />}
    </div>
  );
}

export function SettingsForm({ step }: OfStep): React.JSX.Element {
  const { pipeline, trans } = usePanel();
  const { notebook, outline } = pipeline;
  const groups = React.useMemo(() => settings.settingGroups(trans), [trans]);
  const written = settings.writtenSettings(notebook, step);
  const inherited = settings.inheritedSettings(notebook, outline, step);
  const others = settings.otherSettings(written, groups);
  return (
    <div className="jp-Sluice-form">
      {groups.map(({ title, fields }) => (
        <div key={title} role="group" aria-label={title} className="jp-Sluice-parameters">
          <div className="jp-Sluice-formTitle" aria-hidden="true">
            {title}
          </div>
          {fields
            .filter(field => step !== undefined || field.key !== 'at_end')
            .map(field => (
              <Field
                key={field.key}
                step={step}
                field={field}
                written={written[field.key]}
                inherited={inherited[field.key]}
              />
            ))}
        </div>
      ))}
      {others.length > 0 && (
        <p className="jp-Sluice-note">
          {trans.__('Also set in the notebook’s metadata, under ‘sluice’: %1.', others.join(', '))}
        </p>
      )}
    </div>
  );
}

interface FieldProps extends OfStep {
  readonly field: settings.SettingField;
  readonly written: unknown;
  readonly inherited: unknown;
}

function Field({ step, field, written, inherited }: FieldProps): React.JSX.Element {
  const { pipeline, trans } = usePanel();
  const id = React.useId();
  const [typed, setTyped] = React.useState<string>();
  const reading = typed === undefined ? undefined : settings.readSetting(field, typed, trans);
  const problem =
    reading === undefined
      ? settings.findFault(field, written, trans)
      : 'problem' in reading
        ? reading.problem
        : undefined;
  const write = (value: PartialJSONValue | undefined): void => {
    setTyped(undefined);
    if (settings.formatSetting(field, value) !== settings.formatSetting(field, written))
      setSetting(pipeline, step, field.key, value);
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
  const isChanged = written !== undefined || typed !== undefined;
  const isOn = (written ?? inherited ?? field.without === 'true') === true;
  return (
    <div className={`jp-Sluice-parameter${isChanged ? ' jp-mod-changed' : ''}`}>
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
      ) : settings.isLong(field) ? (
        <textarea
          {...text}
          rows={Math.min(6, Math.max(1, text.value.split('\n').length))}
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
