/**
 * Readers of single option values, from text to value. A list option gets its items, a map option
 * its pairs, whether they came from YAML or from text with commas. Pure.
 */
import { formatAddress, parseAddress, parseBlock } from '../wire/address.ts';
import { defaultBurst, burstOf } from './burst.ts';
import type { BurstSettings } from './burst.ts';
import { formatDuration, parseDuration } from './duration.ts';
import { whyNotLabelKey, whyNotLabelValue, whyNotSubdomain } from './names.ts';
import { quote, refuse } from './problem.ts';
import type { Parsed } from './problem.ts';
import { didYouMean } from './suggest.ts';

type Pairs = readonly (readonly [string, string])[];

/** One of a few words. */
export function oneOf<const W extends string>(words: readonly W[]) {
  return (text: string): Parsed<W> => {
    const word = words.find((candidate) => candidate === text);
    return word === undefined
      ? refuse(text, `is unknown: ${didYouMean(text, words)}`)
      : { value: word };
  };
}

export function durationIn(least: number, most: number) {
  return (text: string): Parsed<number> => parseDuration(text, { least, most });
}

/** keepalived counts in hundredths of a second, and VRRP version 3 in 12 bits of them. */
export function advertInterval(text: string): Parsed<number> {
  const ms = parseDuration(text, { least: 10, most: 40_950 });
  if ('error' in ms || ms.value % 10 === 0) return ms;
  return refuse(text, `is no multiple of 10ms: write ${formatDuration(Math.ceil(ms.value / 10) * 10)}.`);
}

export function wholeNumberIn(least: number, most: number) {
  return (text: string): Parsed<number> => {
    const number = /^[0-9]{1,9}$/.test(text) ? Number(text) : NaN;
    return number >= least && number <= most
      ? { value: number }
      : refuse(text, `is not a whole number from ${least} to ${most}.`);
  };
}

export function nodeName(text: string): Parsed<string> {
  const fault = whyNotSubdomain(text);
  if (fault !== null) return refuse(text, fault);
  return text === 'localhost'
    ? refuse(text, 'is what every machine calls itself: name the node, as in node.name: web-1.')
    : { value: text };
}

export function nodeLabels(pairs: Pairs): Parsed<Readonly<Record<string, string>>> {
  for (const [key, value] of pairs) {
    const fault = whyNotLabelKey(key);
    if (fault !== null) return refuse(key, fault);
    const valueFault = whyNotLabelValue(value);
    if (valueFault !== null) return { error: `${key}: ${quote(value)} ${valueFault}` };
  }
  return { value: Object.fromEntries(pairs) };
}

/** `http://host:port` or `https://host:port`, all of one scheme; the port may be left out: 2379. */
export function etcdEndpoints(items: readonly string[]): Parsed<readonly string[]> {
  const endpoints: string[] = [];
  for (const item of items) {
    const endpoint = etcdEndpoint(item);
    if ('error' in endpoint) return endpoint;
    if (endpoints.includes(endpoint.value)) return refuse(item, 'is listed twice: take one out.');
    endpoints.push(endpoint.value);
  }
  const [first] = endpoints;
  if (first === undefined) return { error: 'lists no endpoint: write one as in http://192.0.2.1:2379.' };
  const other = endpoints.find((endpoint) => schemeOf(endpoint) !== schemeOf(first));
  if (other !== undefined) {
    return refuse(other, `has another scheme than ${first}: write all with http:// or all with https://.`);
  }
  return { value: endpoints };
}

function schemeOf(url: string): string {
  return url.slice(0, url.indexOf(':'));
}

function etcdEndpoint(text: string): Parsed<string> {
  const match = /^(https?):\/\/(.*)$/i.exec(text);
  if (match === null) {
    return refuse(text, 'is not an endpoint: write it as http://192.0.2.1:2379 or https://etcd.example:2379.');
  }
  // Before anything is quoted: what stands before an "@" is a secret.
  if (text.includes('@')) {
    return { error: 'has a user or password in the address: give them as store.etcd.user and store.etcd.passwordFile.' };
  }
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.hostname === '' || /[/?#]/.test(match[2]?.replace(/\/$/, '') ?? '')) {
    return refuse(text, 'is not scheme, host and port alone: write it as http://192.0.2.1:2379.');
  }
  // URL drops a port that is its scheme's default.
  const written = /:([0-9]+)\/?$/.exec(match[2] ?? '')?.[1];
  const port = written === undefined ? 2379 : Number(written);
  if (port === 0) return refuse(text, 'has port 0: etcd listens on 2379, if not told otherwise.');
  return { value: `${url.protocol}//${url.hostname}:${port}` };
}

/** Begins and ends with a slash; the latter so that no other prefix can begin with it. */
export function etcdPrefix(text: string): Parsed<string> {
  const prefix = text.endsWith('/') ? text : `${text}/`;
  if (/^\/(?:[A-Za-z0-9._-]+\/)+$/.test(prefix) && prefix.length <= 200) return { value: prefix };
  return refuse(text, 'is not a key prefix: begin it with "/", with letters, digits, ".", "_" and "-" between slashes, as in /tenure/.');
}

/** A namespace is a label (RFC 1123), as Kubernetes has it. */
export function kubeNamespace(text: string): Parsed<string> {
  return /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text)
    ? { value: text }
    : refuse(text, 'is not a namespace: write at most 63 lower-case letters, digits and "-", as in tenure-system.');
}

export function nonEmpty(text: string): Parsed<string> {
  return text === '' ? refuse(text, 'is empty: leave it out, or give a value.') : { value: text };
}

/** Life of the node lease in quorum mode: whole seconds, as of any lease. */
export function hold(text: string): Parsed<number> {
  const ms = parseDuration(text, { least: 10_000, most: 3_600_000 });
  if ('error' in ms || ms.value % 1000 === 0) return ms;
  const up = formatDuration(Math.ceil(ms.value / 1000) * 1000);
  return refuse(text, `is not whole seconds, in which stores count leases: write ${up}.`);
}

/** etcd grants whole seconds, and no less than 1.5 election timeouts: 2 s with its defaults. */
export function leaseDuration(text: string): Parsed<number> {
  const ms = parseDuration(text, { least: 2000, most: 300_000 });
  if ('error' in ms) {
    const short = 'value' in parseDuration(text, { least: 0, most: 1999 });
    const why = ' (etcd grants no shorter lease with its default election timeout.)';
    return { error: `${ms.error}${short ? why : ''}` };
  }
  if (ms.value % 1000 === 0) return ms;
  const up = formatDuration(Math.ceil(ms.value / 1000) * 1000);
  return refuse(text, `is not whole seconds, in which stores count leases: write ${up}.`);
}

/** Addresses of this host, or networks (CIDR) in which it has one: as text, in canonical form. */
export function hostNetworks(items: readonly string[]): Parsed<readonly string[]> {
  for (const item of items) {
    const block = item.includes('-') ? refuse(item, 'is a range') : parseBlock(item);
    if ('error' in block) {
      return refuse(item, 'is neither an address of this host nor a network that it has one in: write it as 192.0.2.1, 2001:db8::1 or 192.0.2.0/24.');
    }
  }
  const twice = items.find((item, at) => items.indexOf(item) !== at);
  return twice === undefined ? { value: items } : refuse(twice, 'is listed twice: take one out.');
}

/** Addresses of several hosts, each once; in canonical form. */
export function hostAddresses(items: readonly string[]): Parsed<readonly string[]> {
  const addresses: string[] = [];
  for (const item of items) {
    const address = parseAddress(item);
    if ('error' in address) return refuse(item, 'is no address: write it as 192.0.2.1 or 2001:db8::1.');
    const text = formatAddress(address);
    if (addresses.includes(text)) return refuse(item, 'is listed twice: take one out.');
    addresses.push(text);
  }
  return { value: addresses };
}

/** Names of interfaces or programs, each once. */
export function wordsOf(what: string) {
  return (items: readonly string[]): Parsed<readonly string[]> => {
    const odd = items.find((item) => !/^[^\s"'{}!#$]+$/.test(item));
    if (odd !== undefined) return refuse(odd, `is no name of ${what}: write it as the system has it.`);
    const twice = items.find((item, at) => items.indexOf(item) !== at);
    return twice === undefined ? { value: items } : refuse(twice, 'is listed twice: take one out.');
  };
}

/** Ms after which an address goes back to the node that placement prefers; null: never. */
export function failback(text: string): Parsed<number | null> {
  if (text === 'never') return { value: null };
  const ms = parseDuration(text, { least: 0, most: 604_800_000 });
  return 'error' in ms
    ? { error: `${ms.error.replace(/\.$/, '')}; or write never.` }
    : ms;
}

export function burst(pairs: Pairs): Parsed<BurstSettings> {
  const given = burstOf(pairs);
  return 'error' in given ? given : { value: { ...defaultBurst, ...given.value } };
}

export interface ListenAddress {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** `127.0.0.1:9476`, `[::1]:9476`, `:9476` (every address), or `off`: null. */
export function httpListen(text: string): Parsed<ListenAddress | null> {
  if (text === 'off') return { value: null };
  const match = /^(\[[^\]]*\]|[^:]*):([0-9]{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port > 65535) {
    return refuse(text, 'is not address:port: write it as 127.0.0.1:9476, [::1]:9476, :9476 for every address, or off.');
  }
  const written = match[1] ?? '';
  if (written === '') return { value: { host: '::', port } };
  const bracketed = written.startsWith('[');
  const host = bracketed ? written.slice(1, -1) : written;
  const address = parseAddress(host);
  if ('error' in address || (address.family === 6) !== bracketed) {
    return refuse(text, 'does not begin with an address of this host: write it as 127.0.0.1:9476 or [::1]:9476.');
  }
  return { value: { host, port } };
}
