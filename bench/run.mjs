// `npm run bench [-- NAME... [--rounds N]]`: makes ready what is needed and runs bench/*.bench.ts.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { SetupError, prepare, root, unfitNode } from '../test/setup.mjs';

function refuse(message) {
  console.error(`bench: ${message}`);
  process.exit(2);
}

const unfit = unfitNode();
if (unfit !== null) refuse(unfit);
if (process.platform !== 'linux' || process.getuid() !== 0) refuse('it needs Linux and root for its network namespaces.');
try {
  const missing = prepare('bench', (line) => console.log(line));
  // Whom Tenure is compared with may be away: the benches that can, do without.
  const needed = missing.filter((name) => name !== 'keepalived');
  if (needed.length > 0) refuse(`not found: ${needed.join(', ')}`);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  refuse(error.message);
}

const child = spawn(
  process.execPath, ['--import', 'tsx', join(root, 'bench/frame/main.ts'), ...process.argv.slice(2)],
  { cwd: root, stdio: 'inherit' },
);
// Ctrl-C reaches the child too, which removes its labs; this process waits for that.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(name, () => { if (name !== 'SIGINT') child.kill(name); });
}
child.on('exit', (code) => process.exit(code ?? 130));
