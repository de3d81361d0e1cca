// Tells a screen reader once that a step or a run has ended. Progress is not announced.
import * as React from 'react';
import { formatDuration } from '../words';
import { usePanel } from './context';

export function Announcer(): React.JSX.Element {
  const { pipeline, trans } = usePanel();
  const { runs } = pipeline;
  const [text, setText] = React.useState('');
  React.useEffect(() => {
    const onStep: Parameters<typeof runs.stepEnded.connect>[0] = (_, step) =>
      setText(
        step.durationMs === undefined
          ? trans.__('Step %1 %2.', step.name, step.state)
          : trans.__('Step %1 %2 after %3.', step.name, step.state, formatDuration(step.durationMs))
      );
    const onRun: Parameters<typeof runs.runEnded.connect>[0] = (_, run) =>
      setText(before => `${before} ${trans.__('Run %1 %2.', run.number, run.state)}`.trim());
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
