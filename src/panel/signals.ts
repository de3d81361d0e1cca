// Between signals and React: a component paints again when a model says that it changed.
import type { ISignal } from '@lumino/signaling';
import * as React from 'react';

/** Render again after each emission. */
export function useSignal(signal: ISignal<unknown, unknown> | undefined): void {
  const [, setCount] = React.useState(0);
  React.useEffect(() => {
    if (!signal) return undefined;
    const onEmit = (): void => setCount(count => count + 1);
    signal.connect(onEmit);
    onEmit(); // for what was said between the painting and now
    return () => {
      signal.disconnect(onEmit);
    };
  }, [signal]);
}

/** The time now, told anew each second while `isRunning`. */
export function useNow(isRunning: boolean): number {
  const [now, setNow] = React.useState(Date.now());
  React.useEffect(() => {
    if (!isRunning) return undefined;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [isRunning]);
  return isRunning ? Math.max(now, Date.now()) : now;
}
