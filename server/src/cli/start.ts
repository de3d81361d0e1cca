// The `sluice` command. Its exit status is the outcome: 0 succeeded, 1 failed, 2 wrong usage or an invalid notebook, 130 canceled.
import { bundledInstall } from '../install.js';
import { main } from './main.js';

// with nothing left to do, Node would still take itself apart, which is for those that go on without it
if (process.argv[2] === '--wait')
  void import('./spare.js').then(({ waitForCall }) => waitForCall(process.argv[3]!, bundledInstall(), start));
else start(() => process.exit());

/** Be the command that this process's arguments, variables and folder describe. `leave` ends the process, when nothing is left to do. */
function start(leave: () => void): void {
  // Whoever reads our output may stop to: `sluice runs logs last | head` is no error. A run goes on, and its end is our status.
  let isRunning = false;
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // EIO: the terminal was closed
      const isUnread = ['EPIPE', 'EIO', 'ERR_STREAM_DESTROYED'].includes(error.code ?? '');
      if (!isUnread || !isRunning) process.exit(isUnread ? 0 : 1);
    });
  process.once('beforeExit', leave);
  process.exitCode = 1; // where nothing is left to wait for before the command has said how it ends
  void main(process.argv.slice(2), {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: findFolder(),
    install: bundledInstall(),
    onInterrupt(handle) {
      isRunning = true;
      const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
      for (const signal of signals) process.on(signal, handle);
      return () => {
        for (const signal of signals) process.off(signal, handle);
      };
    }
  }).then(status => {
    process.exitCode = status;
  });
}

function findFolder(): string {
  try {
    return process.cwd();
  } catch {
    process.stderr.write('sluice: The current folder is gone. Change to one that is there.\n');
    process.exit(2);
  }
}
