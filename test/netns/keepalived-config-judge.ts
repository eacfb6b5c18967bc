/**
 * keepalived itself as the judge of configurations: runs `keepalived --config-test` in a network
 * namespace made for the purpose, so that nothing of the host is touched or looked at.
 */
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Build, parseBuild } from '../../src/keepalived/config/build.ts';
import type { HostFacts, InterfaceFacts } from '../../src/keepalived/config/host.ts';
import { factsOfThisHost } from '../../src/keepalived/config/node-host.ts';

/** What keepalived said of one configuration. */
export interface Verdict {
  /** Its exit status, 0 for acceptance; undefined if it crashed, or did not end. */
  readonly status: number | undefined;
  /** What it printed. */
  readonly output: string;
}

/** Interfaces of the namespace. They stay down, so that none but eth0 gets an address. */
export const interfaceNames = ['eth0', 'eth1', 'eth2', 'eth3', 'eth0.1'];
export const ownAddress = '192.0.2.1';

/** A keepalived to ask; another than the installed one by the variable KEEPALIVED. */
const binary = process.env.KEEPALIVED ?? 'keepalived';

/** The version and build of the keepalived under test; undefined if there is none. */
export function installedKeepalived(): Build | undefined {
  try {
    // It prints its version to standard error.
    const { stdout, stderr } = spawnSync(binary, ['--version'], { encoding: 'utf8' });
    return parseBuild(`${stdout}${stderr}`);
  } catch {
    return undefined;
  }
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

export class Judge {
  readonly build: Build;
  // The runner of the tests knows by this form of name whose it is.
  readonly #name = `tl${process.pid}-keepalived`;
  readonly #directory = mkdtempSync(join(tmpdir(), 'keepalived-config-'));
  readonly #interfaces: readonly string[];
  #count = 0;

  /** Makes a namespace with these interfaces. */
  constructor(build: Build, interfaces: readonly string[] = interfaceNames) {
    this.build = build;
    this.#interfaces = interfaces;
    ip('netns', 'add', this.#name);
    try {
      this.#addInterfaces();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #addInterfaces(): void {
    ip('-n', this.#name, 'link', 'set', 'lo', 'up');
    for (const [index, name] of this.#interfaces.entries()) {
      ip('-n', this.#name, 'link', 'add', name, 'type', 'veth', 'peer', 'name', `far${index}`);
    }
    if (this.#interfaces.includes('eth0')) {
      ip('-n', this.#name, 'address', 'add', `${ownAddress}/24`, 'dev', 'eth0');
    }
  }

  /** What is known of the namespace and of this host. */
  get facts(): HostFacts {
    const plain: InterfaceFacts = {
      mtu: 1500, loopback: false, multicast: true, ethernet: true, vrf: false,
      ipv4: null, ipv6: null,
    };
    const interfaces = new Map<string, InterfaceFacts>(this.#interfaces.map((name) =>
      [name, name === 'eth0' ? { ...plain, ipv4: ownAddress } : plain]));
    interfaces.set('lo', {
      ...plain, mtu: 65_536, loopback: true, multicast: false, ethernet: false,
    });
    return {
      ...factsOfThisHost(),
      features: this.build.features,
      interfaces,
    };
  }

  /** Asks keepalived about a configuration. */
  async ask(text: string): Promise<Verdict> {
    this.#count += 1;
    const file = join(this.#directory, `${this.#count}.conf`);
    writeFileSync(file, text);
    return await this.askFile(file);
  }

  /** Asks keepalived about a file that is there already. */
  async askFile(file: string): Promise<Verdict> {
    const args = [
      `--net=/run/netns/${this.#name}`, binary, '--config-test', '-i', 'node1', '-f', file,
    ];
    return await new Promise((resolve) => {
      const limits = { timeout: 10_000, killSignal: 'SIGKILL' } as const;
      execFile('nsenter', args, limits, (error, stdout, stderr) => {
        const code = error ? error.code : 0;
        resolve({
          status: typeof code === 'number' ? code : undefined, output: `${stdout}${stderr}`,
        });
      });
    });
  }

  /** Removes the namespace and all files. */
  close(): void {
    ip('netns', 'delete', this.#name);
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
