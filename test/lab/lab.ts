/**
 * A lab: real kernels' networking in namespaces of this machine. Tests, the demo and the benches
 * build their hosts, faults and measurements with it. Needs root, Linux, iproute2, nftables.
 *
 *     await using lab = await Lab.create({ nodes: 3 });
 *     await lab.run('n1', ['ip', 'addr', 'add', '10.88.1.1/32', 'dev', 'eth0']);
 *     const prober = await lab.probe('10.88.1.1');          // c1 asks 1,000 times a second
 *     const mark = lab.now();
 *     await lab.cut('n1');                                  // and lab.mend('n1')
 *     await lab.sniffer.waitForClaim('10.88.1.1', { host: 'n2', since: mark });
 *     await lab.sniffer.assertNoOverlap({ since: mark });
 *     console.log(await prober.report(mark));               // silences, losses, who answered
 *
 * Hosts are named by strings: `n1`.. (nodes), `c1`.. (clients), `store`, `switch`; topology.ts has
 * the picture. LAN: 10.88.0.0/16 and fd88::/64 on eth0, n1 at .0.11 and ::11, c1 at .0.201; towards
 * the store: 10.89.0.0/24 on eth1, the store at .10. Take EIPs from 10.88.1.0 and fd88::1:0 on. All
 * instants are wall-clock milliseconds with a fraction, as the kernel stamps frames.
 *
 * A lab is removed when it is disposed of, on SIGINT, SIGTERM, and when the process ends for any
 * other reason but SIGKILL; what that leaves, the next lab removes. TENURE_LAB_KEEP=1 keeps logs.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realtimeMs } from '../../src/net/clock.ts';
import { Cables, type Direction, type Net } from './cables.ts';
import { LabError, attempt, run, type Command, type CommandResult, type RunOptions } from './command.ts';
import { Echo, startProber, type Prober, type ProbeOptions } from './prober.ts';
import { LabProcess } from './process.ts';
import { register, remove, removeDead } from './registry.ts';
import { Sniffer } from './sniffer.ts';
import { Speaker } from './speaker.ts';
import {
  hostScript, hosts, makingScript, maxClients, maxNodes, plan, type Host, type Topology,
} from './topology.ts';

export interface LabOptions {
  /** 1 to 40; 3 unless told. */
  readonly nodes?: number;
  /** 0 to 20; 1 unless told. */
  readonly clients?: number;
}

export interface SpawnOptions {
  /** For messages and the log's file name; the command's name unless told. */
  readonly name?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** A /run of its own (tmpfs), as a machine of its own would have: for daemons with pid files. */
  readonly privateRun?: boolean;
  /** Files and folders that the process sees in place of what is at these paths. */
  readonly mounts?: Readonly<Record<string, string>>;
  /** Opens a message channel to a Node process. */
  readonly ipc?: boolean;
}

const withPrivateRun = 'mount -t tmpfs tmpfs /run; exec "$@"';

const withMounts = 'while [ "$1" != -- ]; do mount --bind "$2" "$1"; shift 2; done; shift; exec "$@"';

function withOwnView(command: Command, { privateRun = false, mounts = {} }: SpawnOptions): Command {
  const own = ['unshare', '--mount', 'sh', '-ec'] as const;
  const over = Object.entries(mounts).flat();
  const bound: Command = over.length === 0
    ? command : [...own, withMounts, 'sh', ...over, '--', ...command];
  return privateRun ? [...own, withPrivateRun, 'sh', ...bound] : bound;
}

const liveLabs = new Set<Lab>();

export class Lab implements AsyncDisposable {
  readonly id: string;
  /** Logs and configuration files; removed with the lab. */
  readonly dir: string;
  readonly #topology: Topology;
  readonly #cables: Cables;
  readonly #cleanups: (() => unknown)[] = [];
  readonly #echoes = new Map<string, Echo>();
  readonly #adopted: string[] = [];
  #sniffer: Sniffer | null = null;
  #spawned = 0;
  #gone = false;

  private constructor(topology: Topology) {
    this.id = topology.id;
    this.#topology = topology;
    this.#cables = new Cables(topology);
    this.dir = mkdtempSync(join(tmpdir(), `tenure-lab-${topology.id}-`));
  }

  /** Stands when it resolves: all cables in, the sniffer listening. */
  static async create(options: LabOptions = {}): Promise<Lab> {
    const { nodes = 3, clients = 1 } = options;
    if (!(Number.isInteger(nodes) && nodes >= 1 && nodes <= maxNodes)) {
      throw new LabError(`a lab has 1 to ${maxNodes} nodes, not ${nodes}`);
    }
    if (!(Number.isInteger(clients) && clients >= 0 && clients <= maxClients)) {
      throw new LabError(`a lab has 0 to ${maxClients} clients, not ${clients}`);
    }
    if (process.platform !== 'linux' || process.getuid?.() !== 0) {
      throw new LabError('a lab needs Linux and root: network namespaces');
    }
    removeDead();
    const lab = new Lab(plan(register(), nodes, clients));
    guardProcess(lab);
    try {
      await lab.#build();
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
    return lab;
  }

  async #build(): Promise<void> {
    await run(['ip', '-batch', '-'], { input: makingScript(this.#topology) });
    await Promise.all(hosts(this.#topology).map(async (host) => {
      const { sysctls, batch } = hostScript(this.#topology, host);
      const settings = sysctls.map((setting) => {
        const [path, value] = setting.split('=');
        return `echo ${value} > /proc/sys/${path}; `;
      });
      await this.run(host.name, ['sh', '-ec', `${settings.join('')}exec ip -batch -`], { input: batch });
    }));
    this.#sniffer = await Sniffer.start(this, this.#lanHosts());
  }

  #lanHosts(): Host[] {
    return hosts(this.#topology).filter((host) => host.lan !== null);
  }

  /** The judge: hears every claim on every cable of the LAN, from the beginning. */
  get sniffer(): Sniffer {
    if (this.#sniffer === null) throw new LabError('the sniffer is not there yet');
    return this.#sniffer;
  }

  get nodes(): readonly Host[] {
    return this.#topology.nodes;
  }

  host(name: string): Host {
    const host = hosts(this.#topology).find((one) => one.name === name);
    if (host === undefined) throw new LabError(`no host ${name} in this lab`);
    return host;
  }

  /** Now, on the clock that frames are stamped by: wall-clock ms with a fraction. */
  now(): number {
    return realtimeMs();
  }

  /** Runs `cleanup` when the lab goes, before what was there earlier. */
  defer(cleanup: () => unknown): void {
    this.#cleanups.push(cleanup);
  }

  /** A directory that goes with the lab, however it goes. */
  adopt(dir: string): void {
    this.#adopted.push(dir);
  }

  /** Runs a command on a host; it must succeed. Gives what it printed. */
  async run(host: string, command: Command, options?: RunOptions): Promise<string> {
    return run(this.#inside(host, command), options);
  }

  /** Runs a command on a host, whatever its exit code. */
  async attempt(host: string, command: Command, options?: RunOptions): Promise<CommandResult> {
    return attempt(this.#inside(host, command), options);
  }

  /** Starts a long-running process on a host; it is ended with the lab at the latest. */
  spawn(host: string, command: Command, options: SpawnOptions = {}): LabProcess {
    const name = options.name ?? command[0].split('/').at(-1)!;
    this.#spawned += 1;
    return new LabProcess({
      name: `${host}:${name}`,
      command: this.#inside(host, withOwnView(command, options)),
      env: { ...process.env, ...options.env },
      logFile: join(this.dir, `${this.#spawned}-${host}-${name}.log`),
      cwd: this.dir,
    }, options.ipc);
  }

  #inside(host: string, command: Command): Command {
    return ['nsenter', `--net=/run/netns/${this.host(host).namespace}`, '--', ...command];
  }

  /** Pulls a host's cable to the LAN (or towards the store): it sees its carrier go. */
  async cut(host: string, net: Net = 'lan'): Promise<void> {
    await this.#cables.cut(this.host(host), net);
  }

  async mend(host: string, net: Net = 'lan'): Promise<void> {
    await this.#cables.mend(this.host(host), net);
  }

  /** Loses a share (0..1) of a host's packets in the switch; its carrier stays. See Cables.lose. */
  async lose(host: string, direction: Direction, share = 1, net: Net = 'lan'): Promise<void> {
    await this.#cables.lose(this.host(host), direction, share, net);
  }

  /** Two hosts hear nothing of each other: until `mendAll`. */
  async part(a: string, b: string, net: Net = 'lan'): Promise<void> {
    await this.#cables.part(this.host(a), this.host(b), net);
  }

  async mendAll(): Promise<void> {
    await this.#cables.mendAll();
  }

  /**
   * A client's UDP packets to an address, and what becomes of them. The nodes answer with their
   * names from the start, as soon as packets for that address reach them.
   */
  async probe(address: string, options: ProbeOptions = {}): Promise<Prober> {
    const [prober] = await Promise.all([
      startProber(this, address, options),
      ...this.nodes.map(async (node) => this.#echo(node).listen(address)),
    ]);
    return prober;
  }

  #echo(node: Host): Echo {
    const echo = this.#echoes.get(node.name) ?? new Echo(this, node);
    this.#echoes.set(node.name, echo);
    return echo;
  }

  /** Someone on a host who says whatever frames he is told to. */
  async speaker(host: string): Promise<Speaker> {
    return Speaker.start(this, host);
  }

  /** A client forgets whom it knows on the LAN, like one that just came. */
  async forgetNeighbours(client = 'c1'): Promise<void> {
    await this.run(client, ['ip', 'neigh', 'flush', 'dev', 'eth0', 'nud', 'all']);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const errors: unknown[] = [];
    for (const cleanup of this.#cleanups.splice(0).reverse()) {
      try {
        await cleanup();
      } catch (error) {
        errors.push(error);
      }
    }
    this.removeNow();
    if (errors.length > 0) throw new AggregateError(errors, `lab ${this.id} could not clean up`);
  }

  /** Ends and removes everything at once, without waiting for anybody's goodbye. */
  removeNow(): void {
    if (this.#gone) return;
    this.#gone = true;
    liveLabs.delete(this);
    remove(this.id);
    if (process.env.TENURE_LAB_KEEP === '1') {
      console.error(`logs of ${this.id}: ${this.dir}`);
      return;
    }
    for (const dir of [this.dir, ...this.#adopted]) rmSync(dir, { recursive: true, force: true });
  }
}

let processGuarded = false;

/** However this process ends, its labs go with it. */
function guardProcess(lab: Lab): void {
  liveLabs.add(lab);
  if (processGuarded) return;
  processGuarded = true;
  const removeAll = (): void => {
    for (const live of liveLabs) live.removeNow();
  };
  process.on('exit', removeAll);
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(name, () => {
      removeAll();
      // The signal again, now with its own effect: whoever sent it sees that it worked.
      process.kill(process.pid, name);
    });
  }
}
