/**
 * What can go wrong between the hosts of a lab. Everything happens in the switch's namespace, so
 * that nothing is changed on the hosts whose behaviour is judged.
 */
import { LabError, run } from './command.ts';
import { hosts, lanPort, mgmtPort, type Host, type Topology } from './topology.ts';

/** `from`: what the host says is lost. `to`: what it is told is lost. */
export type Direction = 'from' | 'to' | 'both';
export type Net = 'lan' | 'mgmt';

interface Loss {
  readonly from: number;
  readonly to: number;
}

export class Cables {
  readonly #topology: Topology;
  readonly #losses = new Map<string, Loss>();
  /** Ports that hear nothing of each other. */
  readonly #apart = new Set<readonly [string, string]>();
  #applied: Promise<void> = Promise.resolve();

  constructor(topology: Topology) {
    this.#topology = topology;
  }

  /** Pulls the cable: the host sees its carrier go. */
  async cut(host: Host, net: Net = 'lan'): Promise<void> {
    await this.#link(host, net, 'down');
  }

  async mend(host: Host, net: Net = 'lan'): Promise<void> {
    await this.#link(host, net, 'up');
  }

  /**
   * Loses a share of the packets (0..1) in the switch, without the host noticing: its carrier
   * stays. 1 in one direction is a one-way cut; 0 mends. The sniffer hears what a host says
   * before the switch loses it: it judges what was said, not what arrived.
   */
  async lose(host: Host, direction: Direction, share: number, net: Net = 'lan'): Promise<void> {
    if (!(share >= 0 && share <= 1)) throw new LabError(`a share of packets is 0 to 1, not ${share}`);
    const port = portOf(host, net);
    const before = this.#losses.get(port) ?? { from: 0, to: 0 };
    this.#losses.set(port, {
      from: direction === 'to' ? before.from : share,
      to: direction === 'from' ? before.to : share,
    });
    await this.#apply();
  }

  /** Two hosts hear nothing of each other any more, and all of the others: until `mendAll`. */
  async part(a: Host, b: Host, net: Net = 'lan'): Promise<void> {
    this.#apart.add([portOf(a, net), portOf(b, net)]);
    await this.#apply();
  }

  /** Every cable as new. */
  async mendAll(): Promise<void> {
    this.#losses.clear();
    this.#apart.clear();
    await this.#apply();
    const lines = hosts(this.#topology).flatMap((host) => [
      ...(host.lan === null ? [] : [`link set ${lanPort(host)} up\n`]),
      ...(host.mgmt === null ? [] : [`link set ${mgmtPort(host)} up\n`]),
    ]);
    await run(['ip', '-n', this.#topology.switch.namespace, '-batch', '-'], { input: lines.join('') });
  }

  /** One at a time: of two commands at once, the one that knows less may be the later. */
  async #apply(): Promise<void> {
    this.#applied = this.#applied.catch(() => undefined).then(async () => this.#write());
    await this.#applied;
  }

  async #write(): Promise<void> {
    await run(
      ['nsenter', `--net=/run/netns/${this.#topology.switch.namespace}`, 'nft', '-f', '-'],
      { input: lossRules(this.#losses, this.#apart) },
    );
  }

  async #link(host: Host, net: Net, state: 'up' | 'down'): Promise<void> {
    await run(['ip', '-n', this.#topology.switch.namespace, 'link', 'set', portOf(host, net), state]);
  }
}

function portOf(host: Host, net: Net): string {
  if (net === 'lan' && host.lan !== null) return lanPort(host);
  if (net === 'mgmt' && host.mgmt !== null) return mgmtPort(host);
  throw new LabError(`${host.name} is not on ${net}`);
}

/** The whole table anew, in one transaction. */
function lossRules(
  losses: ReadonlyMap<string, Loss>, apart: Iterable<readonly [string, string]>,
): string {
  const rules: string[] = [];
  const rule = (match: string, port: string, share: number): void => {
    if (share === 0) return;
    const chance = share === 1 ? '' : ` numgen random mod 10000 < ${Math.round(share * 10_000)}`;
    rules.push(`add rule bridge lab forward ${match} "${port}"${chance} drop`);
  };
  for (const [port, { from, to }] of losses) {
    rule('iifname', port, from);
    rule('oifname', port, to);
  }
  for (const [a, b] of apart) {
    for (const [from, to] of [[a, b], [b, a]] as const) {
      rules.push(`add rule bridge lab forward iifname "${from}" oifname "${to}" drop`);
    }
  }
  return [
    'add table bridge lab', 'delete table bridge lab', 'add table bridge lab',
    'add chain bridge lab forward { type filter hook forward priority 0; policy accept; }',
    ...rules, '',
  ].join('\n');
}
