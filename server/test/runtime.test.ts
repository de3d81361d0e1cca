// The runtime that travels with each step: what its modules do, without what they say to those who read them.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { packRuntime } from '../src/runtime.js';

const folder = join(__dirname, '../../jupyterlab_sluice/runtime');

const compare = `
import ast, base64, json, pathlib, sys, zlib
def bare(source):
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
            body[0].value = ast.Constant("", lineno=1, col_offset=0)
    lines = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.stmt)]
    return ast.dump(tree), lines
packed = json.loads(zlib.decompress(base64.b64decode(sys.stdin.read())))
for name, source in packed.items():
    assert bare(source) == bare((pathlib.Path(sys.argv[1]) / (name + ".py")).read_text()), name
assert not any("Raises:" in source for source in packed.values())
print(len(packed))
`;

test('it is small, and the same program at the same lines', async () => {
  const { packed } = await packRuntime(folder, { withCheckpoints: true });
  const modules = execFileSync('python3', ['-c', compare, folder], { input: packed, encoding: 'utf8' });
  expect(Number(modules)).toBeGreaterThan(20);
  expect((await packRuntime(folder)).packed.length).toBeLessThan(60 * 1024);
});
