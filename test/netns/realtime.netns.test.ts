import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { bundled } from '../lab/bundle.ts';

describe('a real-time thread that runs on and on', () => {
  it('is an ordinary one soon, and the process lives', async () => {
    const program = await bundled(new URL('realtime-process.ts', import.meta.url));
    const env = { ...process.env, NODE_OPTIONS: '', NODE_TEST_CONTEXT: '' };
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, [program], { env, timeout: 60_000 });
    assert.equal(stdout.trim(), 'demoted: yes, policy 0');
  });
});
