// The types of KFP's REST API are those of its description.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '..', '..', '..');

test('types are up to date (`npm run kfp-types` brings them there)', () => {
  const made = execFileSync(
    process.execPath,
    [
      join(root, 'node_modules', 'openapi-typescript', 'bin', 'cli.js'),
      join(root, 'server', 'src', 'kfp', 'gen', 'openapi.json')
    ],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }
  );
  expect(readFileSync(join(root, 'server', 'src', 'kfp', 'gen', 'api.ts'), 'utf8').trim()).toBe(made.trim());
}, 60_000);
