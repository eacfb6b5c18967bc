import { bundled } from './bundle.ts';
import { Helper } from './helper.ts';
import type { Lab } from './lab.ts';

/** A real-time thread is not to wait for garbage collecting threads, which are ordinary ones. */
const nodeFlags = ['--single-threaded-gc'];

/** Starts `<kind>-process.ts` in a host's namespace, and waits until it serves. */
export async function startHelper(
  lab: Lab, host: string, kind: 'sniffer' | 'prober' | 'echo' | 'speaker', args: readonly string[],
): Promise<Helper> {
  const script = await bundled(new URL(`./${kind}-process.ts`, import.meta.url));
  const process_ = lab.spawn(host, [process.execPath, ...nodeFlags, script, ...args], {
    name: kind, ipc: true,
    // What the test process was started with (loaders, reporters) is none of the helper's.
    env: { NODE_OPTIONS: '', NODE_TEST_CONTEXT: '' },
  });
  const helper = new Helper(process_);
  await helper.ready;
  return helper;
}
