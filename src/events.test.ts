// The stream of a run's events, however its bytes are cut.
import { readEvents } from './events';

const text =
  ': heartbeat\n\ndata: {"type":"step","step":"lädt","state":"running","seq":1,"at":5}\n\nevent: x\r\ndata: {"type":"run-ended",\r\ndata: "seq":2}\r\n\r\n';

test.each([1, 3, 7, 10_000])('chunks of %d bytes', async size => {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  const body = {
    getReader: () => ({
      read: async () =>
        at >= bytes.length ? { done: true, value: undefined } : { done: false, value: bytes.slice(at, (at += size)) },
      cancel: async () => undefined
    })
  } as unknown as ReadableStream<Uint8Array>;
  const events: unknown[] = [];
  for await (const event of readEvents(body)) events.push(event);
  expect(events).toEqual([
    { type: 'step', step: 'lädt', state: 'running', seq: 1, at: 5 },
    { type: 'run-ended', seq: 2 }
  ]);
});
