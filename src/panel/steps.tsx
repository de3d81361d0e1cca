// The steps in notebook order, as a tree: arrows move, Right and Left open and close a step, Enter goes to its cell, F2 renames it, the Menu
// key opens its menu. A step tells its state, what it takes and what it gives; while it runs, its time, its cells done and its last line.
import { caretDownIcon } from '@jupyterlab/ui-components';
import { formatDuration, type StepOutline, type StepRun } from '@sluice/core';
import * as React from 'react';
import { checkName } from '../cells/bars';
import { openCellMenu } from '../cells/menu';
import { renameStep } from '../editing';
import { hueClass } from '../hues';
import { graphIcon, stateIcon } from '../icons';
import { createNameInput, focusName } from '../nameInput';
import type { PipelineModel } from '../pipelineModel';
import { goToCell } from '../places';
import { localRunner } from '../runners';
import { describeWaiting } from '../stepFlows';
import { CommandIds } from '../tokens';
import { describeStepRun, durationOf, isActive, resumesAt, stateWord } from '../words';
import { usePanel } from './context';
import { StepDetails } from './details';
import { Flows } from './flows';
import { StepGraph } from './graph';
import { Section } from './section';
import { useNow, useSignal } from './signals';
import { describeStep } from './stepWords';

/** Chosen once, it holds for the notebooks that one turns to as well. */
let isDrawing = false;

export function Steps(): React.JSX.Element {
  const { pipeline, trans } = usePanel();
  const [isGraph, setGraph] = React.useState(isDrawing);
  const { settingsWanted } = pipeline;
  const show = (graph: boolean): void => {
    isDrawing = graph;
    setGraph(graph);
  };
  // Settings are typed in the list.
  React.useEffect(() => {
    if (settingsWanted !== undefined) show(false);
  }, [settingsWanted]);
  useSignal(pipeline.freshness.changed);
  const now = useNow(pipeline.runs.shown !== undefined && isActive(pipeline.runs.shown.state));
  const toggle = (
    <button
      type="button"
      className="jp-Sluice-button jp-mod-icon jp-mod-toggle"
      title={trans.__('What comes after what, as a drawing')}
      aria-label={trans.__('Graph')}
      aria-pressed={isGraph}
      onClick={() => show(!isGraph)}
    >
      <graphIcon.react tag="span" width="14px" height="14px" />
    </button>
  );
  return (
    <Section title={trans.__('Steps')} aside={toggle} isWanted={settingsWanted !== undefined}>
      {isGraph ? <StepGraph now={now} /> : <StepTree now={now} />}
    </Section>
  );
}

function StepTree({ now }: { readonly now: number }): React.JSX.Element {
  const { pipeline, trans } = usePanel();
  const { steps } = pipeline.outline;
  const [focused, setFocused] = React.useState(0);
  const [open, setOpen] = React.useState<ReadonlySet<string>>(new Set());
  const tree = React.useRef<HTMLUListElement>(null);
  const current = Math.min(focused, steps.length - 1);
  const { settingsWanted } = pipeline;
  React.useEffect(() => {
    if (settingsWanted !== undefined) toggle(settingsWanted, true);
  }, [settingsWanted]);

  const moveTo = (index: number): void => {
    const items = tree.current?.querySelectorAll<HTMLElement>(':scope > [role=treeitem]');
    items?.[Math.max(0, Math.min(index, items.length - 1))]?.focus();
  };
  const toggle = (name: string, isOpen: boolean): void => {
    const next = new Set(open);
    if (isOpen) next.add(name);
    else next.delete(name);
    setOpen(next);
  };
  return (
    <ul className="jp-Sluice-steps" role="tree" aria-label={trans.__('Steps')} ref={tree}>
      {steps.map((step, index) => (
        <Step
          // by place, so that a step that is renamed keeps the focus
          key={index}
          step={step}
          now={now}
          isCurrent={index === current}
          isOpen={open.has(step.name)}
          onFocus={() => {
            setFocused(index);
            pipeline.chooseStep(step.name);
          }}
          onToggle={isOpen => toggle(step.name, isOpen)}
          onMove={by => moveTo(by === 'first' ? 0 : by === 'last' ? steps.length : index + by)}
        />
      ))}
    </ul>
  );
}

interface StepProps {
  readonly step: StepOutline;
  readonly now: number;
  readonly isCurrent: boolean;
  readonly isOpen: boolean;
  readonly onFocus: () => void;
  readonly onToggle: (isOpen: boolean) => void;
  readonly onMove: (by: number | 'first' | 'last') => void;
}

function Step({ step, now, isCurrent, isOpen, onFocus, onToggle, onMove }: StepProps): React.JSX.Element {
  const { pipeline, commands, trans } = usePanel();
  const [isRenaming, setRenaming] = React.useState(false);
  const node = React.useRef<HTMLLIElement>(null);
  const run = pipeline.runs.shown?.steps.find(other => other.name === step.name);
  const Icon = stateIcon(run?.state);
  const aside = describeAside(step.name, run, pipeline, now);

  const openMenu = async (): Promise<void> => {
    await goToCell(pipeline.panel, step.cells[0]!);
    openCellMenu(pipeline, commands, node.current!);
  };
  const onKeyDown = (event: React.KeyboardEvent): void => {
    if (event.target !== event.currentTarget) return;
    const act = {
      ArrowDown: () => onMove(1),
      ArrowUp: () => onMove(-1),
      Home: () => onMove('first'),
      End: () => onMove('last'),
      ArrowRight: () => onToggle(true),
      ArrowLeft: () => onToggle(false),
      ' ': () => onToggle(!isOpen),
      Enter: () => void goToCell(pipeline.panel, step.cells[0]!),
      F2: () => setRenaming(true),
      ContextMenu: () => void openMenu()
    }[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  };
  return (
    <li
      ref={node}
      role="treeitem"
      aria-label={describeStep(step.name, run, pipeline, now)}
      aria-expanded={isOpen}
      aria-selected={isCurrent}
      tabIndex={isCurrent ? 0 : -1}
      className={`jp-Sluice-step ${hueClass(pipeline.outline, step.name)}`}
      data-state={run?.state ?? 'none'}
      onFocus={onFocus}
      onKeyDown={onKeyDown}
      onContextMenu={event => {
        event.preventDefault();
        event.stopPropagation();
        void openMenu();
      }}
    >
      <div className="jp-Sluice-stepRow">
        <span
          className="jp-Sluice-fold"
          aria-hidden="true"
          title={isOpen ? trans.__('Close') : trans.__('Log, values and outputs')}
          onClick={() => onToggle(!isOpen)}
        >
          <caretDownIcon.react tag="span" className="jp-Sluice-caret" width="14px" height="14px" />
        </span>
        <Icon.react tag="span" className="jp-Sluice-state" title={stateWord(run?.state, trans)} />
        {isRenaming ? (
          <Rename
            step={step.name}
            onEnd={() => {
              setRenaming(false);
              node.current?.focus();
            }}
          />
        ) : (
          <span
            className="jp-Sluice-stepName"
            title={`${step.name}\n${trans.__('Go to cell %1', step.cells[0]! + 1)}`}
            onClick={() => void goToCell(pipeline.panel, step.cells[0]!)}
          >
            {step.name}
          </span>
        )}
        {!isRenaming && (
          <span className="jp-Sluice-stepTime" title={aside.title}>
            {aside.text}
          </span>
        )}
      </div>
      <div className="jp-Sluice-stepBody">
        <Flows step={step.name} isCurrent={isCurrent} />
        {run?.state === 'running' && <LiveLine step={step} run={run} />}
      </div>
      {run?.state === 'failed' && (
        <div className="jp-Sluice-stepError">
          {run.error ?? run.failure?.name} <Continue step={step.name} />
        </div>
      )}
      {isOpen && <StepDetails step={step} />}
    </li>
  );
}

interface Aside {
  readonly text: string;
  readonly title?: string | undefined;
}

/** What stands at the end of a step's line: its time; or instead, why it has none, or that it has changed since it ran. */
function describeAside(step: string, run: StepRun | undefined, pipeline: PipelineModel, now: number): Aside {
  const { trans } = pipeline;
  const { shown } = pipeline.runs;
  if (!shown || !run) return { text: '' };
  const changed = pipeline.changedSince(step);
  if (changed) {
    const text = trans.__('changed since run %1', changed.run.number);
    return { text, title: [changed.reason ?? text, describeStepRun(run, now, trans)].join('\n') };
  }
  if (run.state === 'pending') {
    const why = describeWaiting(pipeline.pipeline, run, isActive(shown.state) ? shown.steps : [], trans);
    // elsewhere it takes a while until a step whose turn it is has begun
    const text = why === '' && shown.runner !== localRunner ? trans.__('starting') : why;
    return { text, title: run.reason ?? text };
  }
  if (run.state === 'cached' || run.state === 'skipped' || run.state === 'canceled')
    return { text: stateWord(run.state, trans), title: run.reason };
  const duration = durationOf(run, now);
  return { text: duration === undefined ? '' : formatDuration(duration), title: run.reason };
}

/** The way on from a failure: where it stands, once it is mended. */
function Continue({ step }: { readonly step: string }): React.JSX.Element | null {
  const { pipeline, commands, trans } = usePanel();
  const { shown } = pipeline.runs;
  const args = { run: shown?.id ?? '' };
  if (!shown || resumesAt(shown) !== step || !commands.isEnabled(CommandIds.resumeRun, args)) return null;
  return (
    <button
      type="button"
      className="jp-Sluice-link"
      title={commands.caption(CommandIds.resumeRun, args)}
      onClick={() => void commands.execute(CommandIds.resumeRun, args)}
    >
      {trans.__('Continue from here')}
    </button>
  );
}

/** While a step runs, its cells done and its last line stand where its flows do, so that nothing moves; hovering brings the flows back. */
function LiveLine({ step, run }: { readonly step: StepOutline; readonly run: StepRun }): React.JSX.Element {
  const { pipeline, trans } = usePanel();
  const printed = pipeline.runs.live(pipeline.runs.shown!.id, step.name)?.printed.lastLine;
  const total = step.cells.length;
  const done = Math.min(run.cellsDone ?? 0, total);
  const count = trans.__('%1 of %2 cells', done, total);
  return (
    <div className="jp-Sluice-progress">
      <progress max={total} value={done} title={count} aria-label={trans.__('Cells of %1 done', step.name)} />
      {total > 1 && <span className="jp-Sluice-cellsDone">{count}</span>}
      <span className="jp-Sluice-lastLine">{printed}</span>
    </div>
  );
}

function Rename({ step, onEnd }: { readonly step: string; readonly onEnd: () => void }): React.JSX.Element {
  const { pipeline, trans } = usePanel();
  const host = React.useRef<HTMLSpanElement>(null);
  React.useEffect(() => {
    const taken = pipeline.outline.steps.map(other => other.name);
    const input = createNameInput({
      label: trans.__('New name of step %1', step),
      value: step,
      check: name => checkName(name, step, taken, trans),
      done: name => {
        if (name !== undefined && name !== step) renameStep(pipeline, step, name);
        onEnd();
      }
    });
    host.current!.replaceChildren(input);
    focusName(input);
  }, []);
  return <span ref={host} className="jp-Sluice-renameHost" />;
}
