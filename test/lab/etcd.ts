/**
 * Real etcd processes for tests: one member or three, on free loopback ports or on addresses that
 * the caller gives (inside a namespace, say), each in a directory of its own under the system's
 * temporary one. `await using cluster = await startEtcd()` stops and removes everything.
 */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freeze } from './process.ts';

export interface EtcdTls {
  readonly cert: string;
  readonly key: string;
  /** CA that clients' certificates must come from; without it none are asked for. */
  readonly clientCa?: string;
}

export interface EtcdLabOptions {
  /** Default 1. Ignored where `listen` is given. */
  readonly members?: 1 | 3;
  /** Goes before the command, such as ['ip', 'netns', 'exec', NAME]; one for all, or one each. */
  readonly prefix?: readonly string[] | readonly (readonly string[])[];
  /** One per member. Where they are given, ports are the caller's to keep free. */
  readonly listen?: readonly EtcdAddress[];
  readonly tls?: EtcdTls;
  /** More flags, such as ['--quota-backend-bytes=16777216']. */
  readonly flags?: readonly string[];
  /** Raft's, in ms. Default 50 and 500: elections in about a second. */
  readonly heartbeatMs?: number;
  readonly electionMs?: number;
}

/** Where a member listens. `metrics` is plain HTTP whatever the others are: /health, /metrics. */
export interface EtcdAddress {
  readonly host: string;
  readonly client: number;
  readonly peer: number;
  readonly metrics: number;
}

const startTimeoutMs = 40_000;

/** A test process that ends early, however it does, leaves no etcd behind. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Ports that nothing listens on at this moment. */
export async function freePorts(count: number, host = '127.0.0.1'): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  try {
    return await Promise.all(servers.map((server) => new Promise<number>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, host, () => {
        const address = server.address();
        if (address === null || typeof address === 'string') reject(new Error('no port'));
        else resolve(address.port);
      });
    })));
  } finally {
    for (const server of servers) server.close();
  }
}

export class EtcdMember {
  readonly name: string;
  /** As a client names it: http(s)://host:port. */
  readonly endpoint: string;
  readonly host: string;
  readonly port: number;
  /** http://host:port of /health and /metrics. */
  readonly metricsUrl: string;
  readonly logFile: string;
  readonly #prefix: readonly string[];
  readonly #args: readonly string[];
  #child: ChildProcess | null = null;

  constructor(plan: MemberPlan) {
    this.name = plan.name;
    this.endpoint = plan.urls.client;
    this.host = plan.address.host;
    this.port = plan.address.client;
    this.metricsUrl = plan.urls.metrics;
    this.logFile = plan.logFile;
    this.#prefix = plan.prefix;
    this.#args = plan.args;
  }

  /** Of the etcd process, also when it runs behind a prefix that execs it; null: not running. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Starts the process, without waiting for it to answer. The data directory is kept. */
  async spawn(): Promise<void> {
    if (this.#child !== null) throw new Error(`etcd ${this.name} runs already`);
    const [file = 'etcd', ...args] = [...this.#prefix, 'etcd', ...this.#args];
    const log = await open(this.logFile, 'a');
    try {
      const child = spawn(file, args, { stdio: ['ignore', log.fd, log.fd] });
      this.#child = child;
      running.add(child);
      child.once('exit', () => {
        running.delete(child);
        if (this.#child === child) this.#child = null;
      });
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve);
        child.once('error', reject);
      });
    } finally {
      await log.close();
    }
  }

  async waitUp(timeoutMs = startTimeoutMs): Promise<void> {
    const until = performance.now() + timeoutMs;
    while (!await this.#isHealthy()) {
      if (this.#child === null || performance.now() > until) {
        const log = await readFile(this.logFile, 'utf8').catch(() => '');
        throw new Error(`etcd ${this.name} is not up; its log ends:\n${log.slice(-2000)}`);
      }
      await delay(20);
    }
  }

  async start(): Promise<void> {
    await this.spawn();
    await this.waitUp();
  }

  /** Hangs: connections stay open, and nothing is answered until it is resumed. */
  async pause(): Promise<void> {
    if (this.pid !== null) await freeze(`etcd ${this.name}`, [this.pid]);
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Ends the process, also a stopped one, and waits until it is gone. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    child.kill('SIGCONT');
    const late = setTimeout(() => child.kill('SIGKILL'), 3_000);
    await gone;
    clearTimeout(late);
    this.#child = null;
  }

  async restart(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.stop(signal);
    await this.start();
  }

  /** It serves, and has a leader. Behind a prefix the question is asked there too. */
  async #isHealthy(): Promise<boolean> {
    const url = `${this.metricsUrl}/health`;
    const [file, ...args] = this.#prefix;
    if (file === undefined) {
      return fetch(url, { signal: AbortSignal.timeout(1_000) }).then(({ ok }) => ok, () => false);
    }
    const script = `fetch('${url}').then(({ ok }) => process.exit(ok ? 0 : 1))`;
    return new Promise((resolve) => {
      execFile(file, [...args, process.execPath, '-e', script], { timeout: 3_000 }, (error) => {
        resolve(error === null);
      });
    });
  }
}

interface MemberPlan {
  readonly name: string;
  readonly address: EtcdAddress;
  readonly urls: { readonly client: string; readonly peer: string; readonly metrics: string };
  readonly prefix: readonly string[];
  readonly args: readonly string[];
  readonly logFile: string;
}

export class EtcdCluster {
  readonly members: readonly EtcdMember[];
  readonly dir: string;

  constructor(members: readonly EtcdMember[], dir: string) {
    this.members = members;
    this.dir = dir;
  }

  get endpoints(): string[] {
    return this.members.map(({ endpoint }) => endpoint);
  }

  /** The only member, or the first. */
  get member(): EtcdMember {
    const [first] = this.members;
    if (first === undefined) throw new Error('a cluster without members');
    return first;
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop('SIGKILL')));
    await rm(this.dir, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

function prefixOf(options: EtcdLabOptions, index: number): readonly string[] {
  const { prefix = [] } = options;
  const each = prefix[index];
  if (Array.isArray(each)) return each as readonly string[];
  return prefix.filter((word): word is string => typeof word === 'string');
}

async function freeAddresses(count: number): Promise<EtcdAddress[]> {
  const ports = await freePorts(3 * count);
  return Array.from({ length: count }, (_, index) => ({
    host: '127.0.0.1',
    client: ports[3 * index] ?? 0,
    peer: ports[3 * index + 1] ?? 0,
    metrics: ports[3 * index + 2] ?? 0,
  }));
}

/** Starts the members and waits until each serves. */
export async function startEtcd(options: EtcdLabOptions = {}): Promise<EtcdCluster> {
  const dir = await mkdtemp(join(tmpdir(), 'tenure-etcd-'));
  const listen = options.listen ?? await freeAddresses(options.members ?? 1);
  const scheme = options.tls === undefined ? 'http' : 'https';
  const urls = listen.map(({ host, client, peer, metrics }) => {
    const name = host.includes(':') ? `[${host}]` : host;
    return {
      client: `${scheme}://${name}:${client}`,
      peer: `http://${name}:${peer}`,
      metrics: `http://${name}:${metrics}`,
    };
  });
  const initial = urls.map(({ peer }, index) => `m${index}=${peer}`).join(',');
  const members = listen.map((address, index) => {
    const name = `m${index}`;
    const url = urls[index] ?? { client: '', peer: '', metrics: '' };
    const args = [
      `--name=${name}`, `--data-dir=${join(dir, name)}`,
      `--listen-client-urls=${url.client}`, `--advertise-client-urls=${url.client}`,
      `--listen-peer-urls=${url.peer}`, `--initial-advertise-peer-urls=${url.peer}`,
      `--listen-metrics-urls=${url.metrics}`,
      `--initial-cluster=${initial}`, '--initial-cluster-state=new', '--logger=zap',
      '--log-level=warn', `--heartbeat-interval=${options.heartbeatMs ?? 50}`,
      `--election-timeout=${options.electionMs ?? 500}`,
      ...tlsFlags(options.tls), ...options.flags ?? [],
    ];
    const prefix = prefixOf(options, index);
    return new EtcdMember({
      name, address, urls: url, prefix, args, logFile: join(dir, `${name}.log`),
    });
  });
  const cluster = new EtcdCluster(members, dir);
  try {
    // Together: a member is healthy only once it has seen a leader.
    await Promise.all(members.map((member) => member.spawn()));
    await Promise.all(members.map((member) => member.waitUp()));
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

function tlsFlags(tls: EtcdTls | undefined): string[] {
  if (tls === undefined) return [];
  return [
    `--cert-file=${tls.cert}`, `--key-file=${tls.key}`,
    ...tls.clientCa === undefined ? [] : ['--client-cert-auth', `--trusted-ca-file=${tls.clientCa}`],
  ];
}
