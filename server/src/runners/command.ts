// What starts a step on this machine: the IR's command with the kernel's Python, and the variables that it sees.
import type { PlanTask } from '@sluice/core';
import type { Kernel } from '../kernels.js';

/** As the IR says, with the kernel's Python. */
export function argvOf({ command, args }: PlanTask, { python }: Kernel): string[] {
  const argv = [...command, ...args];
  return argv[0] === 'python3' ? [...python, ...argv.slice(1)] : argv;
}

/** Ours, without what lets one act as us, then the kernel's. What the step's settings say comes on top. */
export function stepEnv({
  env,
  kernel
}: {
  readonly env: NodeJS.ProcessEnv;
  readonly kernel: Kernel;
}): NodeJS.ProcessEnv {
  const isLeftOut = (name: string) =>
    /^(JPY_|JUPYTER_TOKEN$|JUPYTERHUB_.*TOKEN|SLUICE_(SECRET|EVENTS|ALIVE)$|NODE_CHANNEL)/.test(name) ||
    name === 'PYTHONUNBUFFERED'; // the runtime shows each line at once, and a million lines thrice as fast
  const ours = Object.fromEntries(Object.entries(env).filter(([name]) => !isLeftOut(name)));
  return { ...ours, ...kernel.env };
}
