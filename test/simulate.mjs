// `npm run simulate -- --seeds N --first SEED`: the simulator by itself, for nights.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { SetupError, installModules, root, unfitNode } from './setup.mjs';

const unfit = unfitNode();
if (unfit !== null) {
  console.error(unfit);
  process.exit(2);
}
try {
  // It runs the sources: a build, or an addon, would only take time.
  installModules((line) => console.error(line));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  process.exit(1);
}
const result = spawnSync(
  process.execPath, ['--import', 'tsx', join(root, 'test/simulation/main.ts'), ...process.argv.slice(2)],
  { cwd: root, stdio: 'inherit' },
);
process.exit(result.status ?? 1);
