/** What `tenure measure` was asked to do: flags to settings. Pure. */
import type { Address } from '../../wire/address.ts';
import { parseDuration } from '../../config/duration.ts';
import { quote } from '../../config/problem.ts';
import { didYouMean, enumerate } from '../../config/suggest.ts';
import { probeKinds, type ProbeKind, type ProbeSpec } from '../../measure/probes/probe.ts';
import { usage } from '../context.ts';

export interface MeasureFlags {
  readonly probe: readonly string[];
  readonly port?: string;
  readonly rate?: string;
  readonly duration?: string;
  readonly interface?: string;
  readonly gap?: string;
  readonly json?: true;
  readonly report?: string;
}

/** The ports that services of the kind have unless told otherwise; tcp has none. */
const usualPorts: Partial<Record<ProbeKind, number>> = { udp: 7, http: 80 };
/**
 * Questions a second. Each ARP question is heard by every host of the LAN, each connection costs
 * the service that is measured: those are asked less often unless the user wants it.
 */
const usualRates: Readonly<Record<ProbeKind, number>> = {
  icmp: 1000, udp: 1000, tcp: 200, http: 100, arp: 100, ndp: 100,
};
const rateBounds = { least: 1, most: 2000 };
const hasPort: ReadonlySet<ProbeKind> = new Set(['udp', 'tcp', 'http']);
const mostProbes = 8;

/** Throws a usage error. */
export function probesOf(flags: MeasureFlags, address: Address): ProbeSpec[] {
  const words = flags.probe.length === 0 ? ['icmp'] : flags.probe.flatMap((text) => text.split(','));
  const port = flags.port === undefined ? null : portOf(flags.port, '--port');
  const rate = flags.rate === undefined ? null : rateOf(flags.rate);
  const specs = words.map((word) => specOf(word, port, rate, address));
  if (port !== null && !specs.some(({ kind }) => hasPort.has(kind))) {
    throw usage(`--port: ${quote(flags.port ?? '')} is of no use: none of the probes (${words.join(', ')}) has a port: add --probe tcp, http or udp`);
  }
  const names = specs.map(({ kind, port: of }) => `${kind}:${of ?? ''}`);
  const twice = names.findIndex((name, index) => names.indexOf(name) !== index);
  if (twice !== -1) throw usage(`--probe: ${quote(words[twice] ?? '')} is given twice: leave one out`);
  if (specs.length > mostProbes) throw usage(`--probe: ${specs.length} probes at once: give ${mostProbes} at most`);
  return specs;
}

function specOf(
  word: string, port: number | null, rate: number | null, address: Address,
): ProbeSpec {
  const [name = '', own, ...more] = word.split(':');
  const kind = probeKinds.find((one) => one === name.toLowerCase());
  if (kind === undefined) {
    throw usage(`--probe: ${quote(word)} is no probe: ${didYouMean(name, probeKinds)}`);
  }
  const wanted = address.family === 4 ? 'ndp' : 'arp';
  if (kind === wanted) {
    const right = kind === 'arp' ? 'ndp' : 'arp';
    throw usage(`--probe: ${quote(word)} does not go with an IPv${address.family} address: use ${right}`);
  }
  if (own !== undefined && (!hasPort.has(kind) || more.length > 0)) {
    throw usage(`--probe: ${quote(word)} has a port, and ${kind} takes ${hasPort.has(kind) ? 'one' : 'none'}: write ${kind}${hasPort.has(kind) ? ':443' : ''}`);
  }
  const ofKind = hasPort.has(kind)
    ? (own === undefined ? port ?? usualPorts[kind] ?? null : portOf(own, '--probe'))
    : null;
  if (ofKind === null && hasPort.has(kind)) {
    throw usage(`--probe: ${quote(word)} needs a port: write ${kind}:443, or add --port 443`);
  }
  return { kind, port: ofKind, rate: rate ?? usualRates[kind] };
}

function portOf(text: string, flag: string): number {
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw usage(`${flag}: ${quote(text)} is no port: give a number from 1 to 65535`);
  return port;
}

function rateOf(text: string): number {
  const rate = /^[0-9]{1,6}$/.test(text) ? Number(text) : 0;
  if (rate < rateBounds.least || rate > rateBounds.most) {
    throw usage(`--rate: ${quote(text)} is out of bounds: give questions a second, ${rateBounds.least} to ${rateBounds.most}`);
  }
  return rate;
}

/** `--duration` and `--gap`, ms; null where not given. Throws a usage error. */
export function timesOf(
  flags: MeasureFlags,
): { readonly durationMs: number | null; readonly gapMs: number | null } {
  const read = (flag: 'duration' | 'gap', least: number, most: number): number | null => {
    const text = flags[flag];
    if (text === undefined) return null;
    const parsed = parseDuration(text, { least, most });
    if ('error' in parsed) throw usage(`--${flag}: ${parsed.error}`);
    return parsed.value;
  };
  return { durationMs: read('duration', 100, 30 * 86_400_000), gapMs: read('gap', 1, 3_600_000) };
}

export function ratesText(): string {
  const groups = new Map<number, string[]>();
  for (const kind of probeKinds) {
    groups.set(usualRates[kind], [...groups.get(usualRates[kind]) ?? [], kind]);
  }
  return [...groups].map(([rate, kinds]) => `${rate} for ${enumerate(kinds)}`).join(', ');
}

