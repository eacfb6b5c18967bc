/** What tells an agent which machine it runs on, and which run of the kernel that is. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from './lab.ts';

/** All nodes of a lab share a machine and its kernel; with this a node has its own. */
export class LabMachine {
  readonly #dir: string;
  #kernel = '';

  constructor(lab: Lab, address: string) {
    this.#dir = mkdtempSync(join(lab.dir, 'machine-'));
    const card = join(this.#dir, 'net/card0');
    mkdirSync(join(card, 'device'), { recursive: true });
    writeFileSync(join(card, 'addr_assign_type'), '0\n');
    writeFileSync(join(card, 'address'), `${address}\n`);
    this.restart();
  }

  /** Another run of the kernel, for processes that are started from now on. */
  restart(): void {
    this.#kernel = join(this.#dir, `boot-${randomUUID()}`);
    writeFileSync(this.#kernel, `${randomUUID()}\n`);
  }

  /** For `SpawnOptions`. */
  get mounts(): Readonly<Record<string, string>> {
    return {
      '/proc/sys/kernel/random/boot_id': this.#kernel, '/sys/class/net': join(this.#dir, 'net'),
    };
  }
}
