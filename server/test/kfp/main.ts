// The test server as a program of its own: `main FOLDER PYTHON` prints its URL and goes on until its standard input ends.
import { KfpServer } from './server';

const [folder, python] = process.argv.slice(2);
const server = new KfpServer({ folder: folder!, python: python!, env: process.env });
void server.listen().then(url => process.stdout.write(`${url}\n`));
process.stdin.resume().once('end', () => void server.close().then(() => process.exit(0)));
