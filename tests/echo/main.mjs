// A sidecar by contract that tells what reached it, for tests of the way there and back.
import { createServer } from 'node:http';

const argument = name => process.argv[process.argv.indexOf(name) + 1];
const gone = [];
let goOn;
const answers = {
  async '/ticks'(request, response) {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    for (let i = 0; i < 3; i++) {
      response.write(`data: ${i}\n\n`);
      await new Promise(resolve => (goOn = resolve)); // until somebody asks for /next
    }
    response.end();
  },
  '/next'(request, response) {
    goOn();
    response.end();
  },
  '/endless'(request, response) {
    response.on('close', () => gone.push(request.url));
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write('data: 0\n\n');
  },
  '/gone': (request, response) => response.end(JSON.stringify(gone)),
  '/half'(request, response) {
    response.write('half');
    setTimeout(() => process.exit(3), 200);
  },
  '/silent': () => process.exit(3),
  '/nothing': (request, response) => response.writeHead(204).end(),
  '/big'(request, response) {
    for (let i = 0; i < 150; i++) response.write(Buffer.alloc(1 << 20, i));
    response.end();
  }
};

const server = createServer(async (request, response) => {
  const answer = answers[request.url];
  if (answer) return answer(request, response);
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  const { method, url, headers, rawHeaders } = request;
  response.writeHead(request.url.startsWith('/missing') ? 404 : 200, {
    'Content-Type': 'application/json',
    'Set-Cookie': 'a=b'
  });
  const isSecret = headers['x-sluice-secret'] === process.env.SLUICE_SECRET;
  const body = Buffer.concat(pieces).toString();
  const { SLUICE_PYTHON: python, SLUICE_PREFIX: prefix } = process.env;
  response.end(
    JSON.stringify({
      method,
      url,
      headers: rawHeaders.filter((_, i) => i % 2 === 0),
      isSecret,
      body,
      python,
      prefix,
      pid: process.pid,
      root: argument('--root')
    })
  );
});
server.listen(argument('--socket'), () => console.log('{"ready":true}'));
process.stdin.resume().on('end', () => process.exit(0));
