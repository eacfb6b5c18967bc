/**
 * keepalive-vip mode without a store: Eips from a directory, keepalived under the supervisor, the
 * watch on the wire. Every node comes to the same instances and VRIDs by itself.
 */
import type { Logger } from 'pino';
import { formatInterface } from '../../config/eip-fields.ts';
import type { EipDocument } from '../../config/eip-document.ts';
import type { Finding } from '../../core/model.ts';
import { matchesSelector } from '../../core/selector.ts';
import { planInstances, type Plan, type VipEip } from '../../keepalived/render/plan.ts';
import type { VipSettings } from '../../keepalived/render/settings.ts';
import { deriveVrids } from '../../keepalived/render/vrids.ts';
import { findKeepalived } from '../../keepalived/supervisor/program.ts';
import { Supervisor } from '../../keepalived/supervisor/supervisor.ts';
import type { SupervisorEvent } from '../../keepalived/supervisor/types.ts';
import { openEar, type Ear } from '../../keepalived/watch/ear.ts';
import { VrrpWatch } from '../../keepalived/watch/watch.ts';
import { resolveInterface } from '../../net/routes.ts';
import { addressesOf, formatAddress } from '../../wire/address.ts';
import { openHost, type Host } from '../host.ts';
import { readEipsDirectory } from './eips-directory.ts';

export interface VipOptions {
  readonly node: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly weight: number;
  readonly eips: string;
  readonly settings: VipSettings;
  /** By pool; the same on every node. */
  readonly vrids: Readonly<Record<string, number>>;
  readonly dir: string;
  readonly program: string;
}

const lookMs = 1_000;

/** Runs until the signal; gives a sentence if it cannot begin. */
export async function runVip(
  options: VipOptions, log: Logger, signal: AbortSignal,
): Promise<string | null> {
  const found = await findKeepalived(options.program);
  if ('error' in found) return found.error;
  const first = readEipsDirectory(options.eips);
  if (first.problems.length > 0) return first.problems.join('\n');
  const host = openHost((what, text) => { log.warn({ what, text }, 'kernel'); });
  const vip = new VipNode(options, host, log);
  const { node, settings, dir, program } = options;
  const supervisor = new Supervisor({
    node, settings, dir, program, netns: null, build: found.build,
    onEvent: (event) => { vip.hear(event); },
  });
  const look = () => { vip.look(supervisor); };
  look();
  host.onChange(look);
  const timer = setInterval(look, lookMs);
  try {
    await supervisor.run(signal);
    return null;
  } finally {
    clearInterval(timer);
    vip.close();
    host.close();
  }
}

class VipNode {
  readonly #options: VipOptions;
  readonly #host: Host;
  readonly #log: Logger;
  readonly #watch = new VrrpWatch();
  /** By interface and family. */
  readonly #ears = new Map<string, Promise<Ear | null>>();
  #documents: readonly EipDocument[] = [];
  #content = '';
  #applied = '';
  #told = new Set<string>();

  constructor(options: VipOptions, host: Host, log: Logger) {
    this.#options = options;
    this.#host = host;
    this.#log = log;
  }

  /** Reads the directory and the interfaces anew, and hands on what changed. */
  look(supervisor: Supervisor): void {
    this.#read();
    const plan = this.#plan();
    const text = JSON.stringify(plan.instances);
    if (text !== this.#applied) {
      this.#applied = text;
      this.#watch.expect(plan.instances.map(({ addresses: [address = ''], ...instance }) =>
        ({ ...instance, address, intervalMs: this.#options.settings.advertMs })));
      supervisor.apply(plan.instances);
      this.#listen(plan, supervisor);
    }
    const now = performance.now();
    this.#watch.forget(now);
    this.#tell([...plan.findings, ...this.#watch.findings(now)]);
  }

  #read(): void {
    const { documents, problems, content } = readEipsDirectory(this.#options.eips);
    if (content === this.#content) return;
    this.#content = content;
    if (problems.length === 0) this.#documents = documents;
    else this.#log.error({ problems }, 'the Eips cannot be read: those from before stay');
  }

  #plan(): Plan {
    const { node, labels, weight, vrids: fixed } = this.#options;
    const findings: Finding[] = [];
    const network = this.#host.network();
    const documents = this.#documents.filter(({ disabled, settings }) =>
      !disabled && matchesSelector(settings.selector ?? [], labels));
    const eips = documents.flatMap((document): VipEip[] => {
      const link = resolveInterface(
        formatInterface(document.interface), network, (family) => network.routes(family));
      if ('error' in link) {
        findings.push({ code: 'interface', subject: document.name, text: link.error });
        return [];
      }
      return [...addressesOf(document.block)].map((address) =>
        ({ eip: formatAddress(address), pool: document.name, interface: link.name }));
    });
    // Of all Eips, also those that this node does not hold: every node has to come to the same.
    const pools = this.#documents.map(({ name, block }) =>
      ({ pool: name, family: block.family, fixed: fixed[name] }));
    const vrids = deriveVrids(pools);
    const plan = planInstances({ node, weight, eips, vrids: vrids.vrids });
    return { ...plan, findings: [...findings, ...vrids.findings, ...plan.findings] };
  }

  /** Each finding is logged when it appears, and when it is over. */
  #tell(findings: readonly Finding[]): void {
    const texts = new Set(findings.map(({ code, subject, text }) => `${code} ${subject}: ${text}`));
    for (const { code, subject, text } of findings) {
      if (!this.#told.has(`${code} ${subject}: ${text}`)) this.#log.warn({ code, subject }, text);
    }
    for (const text of this.#told) if (!texts.has(text)) this.#log.info({ was: text }, 'settled');
    this.#told = texts;
  }

  #listen({ instances }: Plan, supervisor: Supervisor): void {
    const wanted = new Map<string, { readonly name: string; readonly family: 4 | 6 }>(
      instances.map(({ interface: name, family }) => [`${name} ${family}`, { name, family }]));
    for (const [key, ear] of this.#ears) {
      if (wanted.has(key)) continue;
      void ear.then((one) => one?.close());
      this.#ears.delete(key);
    }
    for (const [key, { name, family }] of wanted) {
      const link = this.#host.network().byName(name);
      if (this.#ears.has(key) || !link) continue;
      this.#ears.set(key, openEar({
        interface: link, family,
        onPacket: (packet) => {
          const now = performance.now();
          this.#watch.hear(name, packet, now);
          if (this.#watch.isContested(name, family, packet.vrid, now)) supervisor.suspect();
        },
        onDrop: (reason) => { this.#watch.dropped(reason); },
        onError: (text) => { this.#log.warn({ interface: name, text }, 'the watch on VRRP failed'); },
      }).then((ear) => {
        if (!('error' in ear)) return ear;
        this.#log.warn({ interface: name }, ear.error);
        return null;
      }));
    }
  }

  hear(event: SupervisorEvent): void {
    const { kind, ...fields } = event;
    switch (event.kind) {
      case 'state':
        this.#watch.own(event.pool, event.to === 'MASTER');
        this.#log.info({ eip: event.pool, from: event.from, to: event.to, source: event.source },
          event.to === 'MASTER' ? 'this node is master' : 'state changed');
        return;
      case 'refused': this.#log.error(fields, 'the new configuration was refused: the old one stays'); return;
      case 'exited': case 'hung': case 'trouble': this.#log.error(fields, `keepalived: ${kind}`); return;
      case 'log': this.#log.debug({ line: event.line }, 'keepalived'); return;
      case 'cleaned': this.#log.warn(fields, 'addresses that keepalived left were taken off'); return;
      case 'started': case 'loaded': this.#log.info(fields, `keepalived: ${kind}`);
    }
  }

  close(): void {
    for (const ear of this.#ears.values()) void ear.then((one) => one?.close());
  }
}
