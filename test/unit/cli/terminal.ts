/** Runs command lines as a user would, against a store of the test's, and keeps what was said. */
import { run } from '../../../src/cli/program.ts';
import type { StoreSettings } from '../../../src/config/agent-config.ts';
import type { FileRead } from '../../../src/config/read-file.ts';
import { MemoryServer, MemoryStore } from '../../../src/store/memory/memory-store.ts';
import type { LeaseStore } from '../../../src/store/lease-store.ts';

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export class Terminal {
  readonly server = new MemoryServer();
  readonly files = new Map<string, string | FileRead>();
  env: Record<string, string> = {};
  stdin = '';
  colours = false;
  now = Date.now();
  opened = 0;
  closed = 0;
  /** Stands for the real one where a test wants to get between. */
  makeStore: (settings: StoreSettings) => LeaseStore | Promise<LeaseStore> = (
    () => new MemoryStore(this.server)
  );

  async run(...argv: string[]): Promise<Said> {
    const said = { out: '', err: '' };
    const code = await run(argv, {
      env: this.env,
      stdout: { write: (text) => { said.out += text; }, colours: this.colours },
      stderr: { write: (text) => { said.err += text; }, colours: this.colours },
      readFile: (path) => asRead(this.files.get(path)),
      readStdin: () => Promise.resolve({ kind: 'text', text: this.stdin }),
      hostName: 'desk',
      now: () => this.now,
      bePatient: () => undefined,
      openStore: async (settings) => {
        this.opened += 1;
        const store = await this.makeStore(settings);
        const close = store.close.bind(store);
        store.close = () => { this.closed += 1; return close(); };
        return store;
      },
    });
    return { code, ...said };
  }
}

function asRead(file: string | FileRead | undefined): FileRead {
  if (file === undefined) return { kind: 'missing' };
  return typeof file === 'string' ? { kind: 'text', text: file } : file;
}
