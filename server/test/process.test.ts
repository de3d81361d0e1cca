// One step's process: its streams, its events, its end; and its log, which stays bounded in memory and in the events.
import { join } from 'node:path';
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { findLastLines, liveChars, LogReader, StepLog, type LogPiece } from '../src/logs';
import { startProcess, type ProcessSpec } from '../src/process';
import { env, until, World } from './world';

jest.setTimeout(30_000);

let world: World;
beforeEach(() => (world = new World()));
afterEach(() => world.remove());

function start(source: string, more: Partial<ProcessSpec> = {}) {
  const output = { stdout: '', stderr: '' };
  const events: unknown[] = [];
  const child = startProcess({
    argv: [env.SLUICE_PYTHON!, '-c', source],
    env,
    cwd: world.folder,
    onOutput: (stream, chunk) => void (output[stream] += String(chunk)),
    onEvent: event => events.push(event),
    ...more
  });
  return { ...child, output, events };
}

test('tells output, events and status', async () => {
  const child = start(
    `import os, sys; print("out"); print("err", file=sys.stderr); os.write(int(os.environ["SLUICE_EVENTS"]), b'{"a":1}\\nnonsense\\n{"b":2}\\n'); sys.exit(7)`
  );
  expect(await child.ended).toEqual({ status: 7, signal: null });
  expect([child.output, child.events]).toEqual([{ stdout: 'out\n', stderr: 'err\n' }, [{ a: 1 }, { b: 2 }]]);
});

test('a program that is not there', async () => {
  const end = await start('', { argv: ['/nowhere/python'] }).ended;
  expect(end.error?.message).toMatch(/ENOENT/);
});

test('an argument that is too long', async () => {
  const end = await start('#' + 'x'.repeat(200_000)).ended;
  expect(end.error).toMatchObject({ code: 'E2BIG' });
});

test('stopping asks first, and kills what does not listen', async () => {
  const polite = start('import time\nprint("up", flush=True)\ntime.sleep(60)');
  await until(() => polite.output.stdout !== '');
  polite.stop();
  expect(await polite.ended).toEqual({ status: null, signal: 'SIGTERM' });
  const stubborn = start(
    'import signal, time\nsignal.signal(15, signal.SIG_IGN)\nprint("up", flush=True)\ntime.sleep(60)'
  );
  await until(() => stubborn.output.stdout !== '');
  const before = Date.now();
  stubborn.stop();
  expect(await stubborn.ended).toEqual({ status: null, signal: 'SIGKILL' });
  expect(Date.now() - before).toBeGreaterThan(2900);
});

test('a child that left the group and holds the pipes does not hold up the end', async () => {
  // it sleeps longer than a test may take
  const child = start('import subprocess; print(subprocess.Popen(["sleep", "60"], start_new_session=True).pid)');
  expect(await child.ended).toMatchObject({ status: 0 });
  process.kill(Number(child.output.stdout), 'SIGKILL');
});

test('the alive descriptor reads end-of-file when the starter is gone, and not before', async () => {
  const source = `
import os, subprocess, sys
if os.fork() == 0:
    os.setsid()  # stands for the runtime, which watches from its own group
    os.read(int(os.environ["SLUICE_ALIVE"]), 1)
    open("gone", "w").close()
    os._exit(0)
`;
  await start(source).ended;
  await until(() => existsSync(join(world.folder, 'gone')));
});

describe('the log', () => {
  async function log(write: (log: StepLog) => void | Promise<void>) {
    const pieces: LogPiece[] = [];
    const path = join(world.folder, 'a.log');
    const log = new StepLog(path, piece => pieces.push(piece));
    await write(log);
    const sizes = await log.close();
    const read: LogPiece[] = [];
    for await (const piece of new LogReader(path).read()) read.push(piece);
    return { path, pieces, sizes, read };
  }

  test('keeps both streams in order', async () => {
    const { pieces, sizes, read, path } = await log(log => {
      log.write('stdout', Buffer.from('a\nb'));
      log.write('stderr', Buffer.from('warn\n'));
      log.write('stdout', Buffer.from('c\n'));
    });
    const expected = [
      { stream: 'stdout', text: 'a\nb' },
      { stream: 'stderr', text: 'warn\n' },
      { stream: 'stdout', text: 'c\n' }
    ];
    expect([pieces, read]).toEqual([expected, expected]);
    expect(readFileSync(path, 'utf8')).toBe('a\nbwarn\nc\n');
    expect(sizes).toEqual({ sizeBytes: 10, lines: 3 });
  });

  test('does not cut a letter in two', async () => {
    const bytes = Buffer.from('é€😀\n');
    const { pieces, read } = await log(log => {
      for (const byte of bytes) log.write('stdout', Buffer.from([byte]));
    });
    expect([pieces, read].map(list => list.map(piece => piece.text).join(''))).toEqual(['é€😀\n', 'é€😀\n']);
  });

  test('hands on whole lines as they come, and an unfinished one when it has waited', async () => {
    const seen: string[] = [];
    await log(async log => {
      log.write('stdout', Buffer.from('done\nhalf'));
      await new Promise(resolve => setTimeout(resolve, 300));
      seen.push(...pieces(log));
      await new Promise(resolve => setTimeout(resolve, 1200));
      seen.push(...pieces(log));
    });
    function pieces(log: StepLog): string[] {
      return [(log as unknown as { pending: LogPiece[] }).pending.map(piece => piece.text).join('')];
    }
    expect(seen).toEqual(['half', '']);
  });

  test('gives watchers the beginning and the end of a long one, and says so', async () => {
    const { pieces, sizes } = await log(async log => {
      for (let i = 0; i < 100; i++) if (!log.write('stdout', Buffer.from('x'.repeat(9999) + '\n'))) await log.drained();
      log.write('stderr', Buffer.from('the last words, é'));
    });
    expect(sizes).toEqual({ sizeBytes: 1_000_018, lines: 100 });
    const text = pieces.map(piece => piece.text).join('');
    expect(text.length).toBeLessThan(liveChars + 9000);
    expect(text).toMatch(/x… there is more: the whole log is in .*a\.log\n… and ends with:\nthe last words, é$/);
  });

  test.each([
    ['', 1, ''],
    ['a', 1, 'a'],
    ['a\n', 1, 'a\n'],
    ['a\nb', 1, 'b'],
    ['a\nb\n', 1, 'b\n'],
    ['a\nb\n', 2, 'a\nb\n'],
    ['a\nb\n', 3, 'a\nb\n'],
    ['a\n\n\n', 2, '\n\n'],
    ['\n', 1, '\n'],
    ['a\n', 0, ''],
    [`${'x'.repeat(70_000)}\n${'y'.repeat(70_000)}\nz\n`, 2, `${'y'.repeat(70_000)}\nz\n`]
  ])('the last lines of %j: %j', async (text, lines, expected) => {
    const path = join(world.folder, 'b.log');
    writeFileSync(path, text);
    expect(
      readFileSync(path)
        .subarray(await findLastLines(path, lines))
        .toString()
    ).toBe(expected);
  });

  test('a disk that fails is told at the end, once', async () => {
    symlinkSync('/dev/full', join(world.folder, 'full.log'));
    const failing = new StepLog(join(world.folder, 'full.log'), () => undefined);
    failing.write('stdout', Buffer.from('x'.repeat(100)));
    await expect(failing.close()).rejects.toMatchObject({ code: 'ENOSPC' });
  });
});
