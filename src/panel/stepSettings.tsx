// What a step asks for, as a form, or what all steps do.
import { caretDownIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { setSetting } from '../editing';
import * as settings from '../stepSettings';
import { loadYaml } from '../yaml';
import { usePanel } from './context';
import { SettingInput } from './settingInput';

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
  const [, paint] = React.useReducer((times: number) => times + 1, 0);
  React.useEffect(() => void loadYaml().then(isNew => isNew && paint()), []);
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
              <SettingInput
                key={field.key}
                field={field}
                written={written[field.key]}
                inherited={inherited[field.key as settings.SettingKey]}
                onWrite={value => setSetting(pipeline, step, field.key, value)}
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
