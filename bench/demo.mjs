// `npm run demo`: makes ready what is needed, says what that is, and plays the demo (bench/demo).
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { SetupError, prepare, root, unfitNode } from '../test/setup.mjs';

const json = process.argv.includes('--json');
// With --json, standard output is for the machine alone.
const say = (line) => (json ? console.error(line) : console.log(line));

function refuse(message) {
  console.error(`demo: ${message}`);
  process.exit(2);
}

const unfit = unfitNode();
if (unfit !== null) refuse(unfit);
if (process.platform !== 'linux') refuse(`it needs Linux for its network namespaces; this is ${process.platform}.`);
if (process.getuid() !== 0) refuse('it needs root for its network namespaces: sudo npm run demo');
try {
  const missing = prepare('demo', say);
  if (missing.length > 0) refuse(`not found: ${missing.join(', ')}`);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  refuse(error.message);
}

const child = spawn(
  process.execPath, ['--import', 'tsx', join(root, 'bench/demo/main.ts'), ...process.argv.slice(2)],
  { cwd: root, stdio: 'inherit' },
);
// Ctrl-C reaches the child too, which removes its lab; this process waits for that.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(name, () => { if (name !== 'SIGINT') child.kill(name); });
}
child.on('exit', (code, signal) => {
  if (signal !== null) console.error(`\nEnded by ${signal}; everything it had made is removed.`);
  process.exit(code ?? 130);
});
