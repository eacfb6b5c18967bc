import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { watchForDeath } from '../../../src/agent/supervisor/death-watch.ts';

const folder = fileURLToPath(new URL('../../../src/net/native', import.meta.url));
const load = `const addon = require('node-gyp-build')(${JSON.stringify(folder)});`;
/** So much memory takes the kernel a while to take back. */
const fill = 'globalThis.full = Buffer.alloc(2 ** 28, 1);';
const stay = 'setInterval(() => {}, 1000); process.send("up");';

/** A Node process that runs `script`, and its death as the supervisor hears of it. */
async function watched(script: string): Promise<{
  readonly child: ChildProcess;
  readonly heard: string[];
  readonly canary: Duplex;
}> {
  const child = spawn(process.execPath, ['-e', `${script} ${stay}`], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc', 'pipe'], cwd: folder,
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const heard: string[] = [];
  const canary = child.stdio[4] as Duplex;
  watchForDeath(child, canary, () => { heard.push('dead'); });
  child.on('exit', () => { heard.push('exit'); });
  await once(child, 'message');
  return { child, heard, canary };
}

describe('the death of the agent', () => {
  it('is heard of before the kernel reports it', async () => {
    const { child, heard, canary } = await watched(`${load} ${fill} addon.startCanary(4);`);
    assert.equal(heard.length, 0, 'it was taken for dead while it lived');
    child.kill('SIGKILL');
    await once(canary, 'close');
    await once(child, 'exit');
    assert.deepEqual(heard.slice(0, 2), ['dead', 'exit']);
  });

  it('is not made up when the pipe breaks, and heard of by the channel then', async () => {
    const { child, heard, canary } = await watched('require("fs").closeSync(4);');
    if (!canary.closed) await once(canary, 'close');
    await new Promise((resolve) => { setTimeout(resolve, 200); });
    assert.equal(heard.length, 0, 'it was taken for dead while it lived');
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.ok(heard.includes('dead'), 'nobody heard of its death');
  });
});

describe('the canary of the agent', () => {
  it('leaves the pipe to nobody else', async () => {
    const { child } = await watched(
      `${load} const refused = addon.startCanary(4);
       let gone = false;
       try { require('fs').fstatSync(4); } catch { gone = true; }
       if (refused !== 0 || !gone) process.exit(1);`);
    assert.equal(child.exitCode, null, 'it was refused, or the pipe is still open');
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
});
