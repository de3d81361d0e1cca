// Tells a screen reader once that a step or a run has ended. Progress is not announced.
import { formatDuration, type RunSummary, type StepRun } from '@sluice/core';
import * as React from 'react';
import { stateWord } from '../words';
import { usePanel } from './context';

export function Announcer(): React.JSX.Element {
  const { pipeline, trans } = usePanel();
  const { runs } = pipeline;
  const [text, setText] = React.useState('');
  React.useEffect(() => {
    // What ends together is said together: a text that is replaced at once would never be read.
    let since = 0;
    const say = (sentence: string): void => {
      const isNew = Date.now() - since > 1000;
      since = Date.now();
      setText(before => (isNew ? sentence : `${before} ${sentence}`));
    };
    const onStep = (_: unknown, step: StepRun): void =>
      say(
        step.durationMs === undefined || step.state === 'cached'
          ? trans.__('Step %1 %2.', step.name, stateWord(step.state, trans))
          : trans.__('Step %1 %2 after %3.', step.name, stateWord(step.state, trans), formatDuration(step.durationMs))
      );
    const onRun = (_: unknown, run: RunSummary): void =>
      say(trans.__('Run %1 %2.', run.number, stateWord(run.state, trans)));
    runs.stepEnded.connect(onStep);
    runs.runEnded.connect(onRun);
    return () => {
      runs.stepEnded.disconnect(onStep);
      runs.runEnded.disconnect(onRun);
    };
  }, [runs]);
  return (
    <div className="jp-Sluice-hiddenText" aria-live="polite">
      {text}
    </div>
  );
}
