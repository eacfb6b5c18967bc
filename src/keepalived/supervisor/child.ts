/** One run of keepalived, in the foreground. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { files } from './leftovers.ts';
import { inNamespace } from './program.ts';

export class Keepalived {
  readonly pid: number;
  /** How it ended, once it and its child have: its output is closed. */
  readonly ended: Promise<string>;
  #exit: string | null = null;

  /** Throws if it cannot be started. */
  constructor(
    program: string, dir: string, netns: string | null, onLine: (line: string) => void,
  ) {
    const command = inNamespace([
      program, '--dont-fork', '--vrrp', '--log-console', '--no-syslog',
      // Else its parent starts another child, which knows nothing of the addresses left behind.
      '--dont-respawn',
      '--use-file', join(dir, files.configuration),
      '--pid', join(dir, files.pid), '--vrrp_pid', join(dir, files.vrrpPid),
    ], netns);
    const [file = '', ...args] = command;
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, TMPDIR: dir },
      // Ctrl-C at a terminal reaches the agent alone, which then stops it in good order.
      detached: true,
    });
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#exit = signal ?? `exit code ${code ?? 'none'}`;
      });
      child.once('close', () => { resolve(this.#exit ?? 'not started'); });
      child.once('error', (error) => {
        this.#exit ??= error.message;
        if (child.pid === undefined) resolve(error.message);
      });
    });
    this.pid = child.pid ?? 0;
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', onLine);
    }
  }

  /** Whether the process itself has ended; its child may be on its way. */
  get hasExited(): boolean {
    return this.#exit !== null;
  }

  signal(name: NodeJS.Signals | number): void {
    if (this.pid === 0 || this.#exit !== null) return;
    try {
      process.kill(this.pid, name);
    } catch {
      // It has just ended.
    }
  }
}
