/** Words with a form of their own. */
import type { HostFacts } from '../host.ts';
import type { PatternName } from '../table/shapes.ts';
import { looseNumber, readDecimal, readUnsigned } from './numbers.ts';

interface PatternRule {
  readonly usage: string;
  readonly fits: (text: string, facts: HostFacts) => boolean;
}

const mostMilliseconds = 120_000;

/**
 * A time of a route: a number of the kernel's units, or one with `ms` or `s` behind it
 * (get_time_rtt). `scale` is how many of the units make a millisecond.
 */
function timeFits(text: string, scale: number): boolean {
  const match = /^\s*([^sS]*?)(?:([mM]?)([sS](?:[eE][cC][sS]?)?))?$/.exec(text);
  const number = match?.[1];
  if (!match || number === undefined || /[eE]/.test(number)) return false;
  const inSeconds = match[3] !== undefined && match[2] === '';
  if (match[3] !== undefined && number === '') return false;
  const result = readDecimal(number, inSeconds ? 3 : 0);
  return result.ok && result.value <= BigInt(mostMilliseconds * scale);
}

function realmFits(text: string, facts: HostFacts): boolean {
  const number = looseNumber(text);
  if (number !== undefined) return number <= 255;
  return facts.routingNames?.rt_realms?.has(text) ?? true;
}

/** `MARK[/MASK]`, each of them of 32 bits in any base. */
function markFits(text: string): boolean {
  const [mark = '', mask, ...others] = text.replace(/^\s+/, '').split('/');
  const fits = (part: string) =>
    part === '' || /^(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)$/.test(part)
    && BigInt(/^0[0-7]+$/.test(part) ? `0o${part}` : part) <= 0xffff_ffffn;
  return others.length === 0 && fits(mark) && (mask === undefined || fits(mask));
}

/** `LABEL[/LABEL ...]` of 20 bits each, two at most. */
function mplsFits(text: string): boolean {
  const labels = text.split('/');
  return labels.length <= 2 && labels.every((label) => {
    const value = /^\s/.test(label) ? undefined : looseNumber(label);
    return value !== undefined && !label.startsWith('-') && value <= 0xf_ffff;
  });
}

const protocols = [
  'ip', 'icmp', 'igmp', 'ggp', 'ipencap', 'tcp', 'egp', 'udp', 'ipv6', 'gre', 'esp', 'ah',
  'ipv6-icmp', 'ospf', 'vrrp', 'sctp', 'dccp', 'udplite',
];

export const patterns: Readonly<Record<PatternName, PatternRule>> = {
  rtt: {
    usage: 'a time up to 120s, as 200ms or 0.2s',
    fits: (text) => timeFits(text, 8),
  },
  rttvar: {
    usage: 'a time up to 120s, as 200ms or 0.2s',
    fits: (text) => timeFits(text, 4),
  },
  rto: {
    usage: 'a time up to 120s, as 200ms or 0.2s',
    fits: (text) => timeFits(text, 1),
  },
  realms: {
    usage: 'REALM or REALM/REALM, by name or number up to 255',
    fits: (text, facts) => {
      const at = text.indexOf('/');
      return at < 0 ? realmFits(text, facts)
        : realmFits(text.slice(0, at), facts) && realmFits(text.slice(at + 1), facts);
    },
  },
  fwmark: { usage: 'MARK or MARK/MASK, of 32 bits each', fits: markFits },
  'port-range': {
    usage: 'FIRST-LAST; a single port as 80-80',
    fits: (text) => /^\s*[+-]?\d+-\s*[+-]?\d+/.test(text),
  },
  'uid-range': {
    usage: 'FIRST-LAST',
    fits: (text) => /^\s*[+-]?\d+-\s*[+-]?\d+/.test(text),
  },
  'ip-protocol': {
    usage: 'a protocol of IP, by name or number up to 127',
    fits: (text) => {
      const number = readUnsigned(text.trimStart());
      return number.ok && text.trim() !== '' ? number.value <= 127n
        : protocols.includes(text.trimStart());
    },
  },
  mpls: { usage: 'one or two labels of 20 bits, as 100/200', fits: mplsFits },
  ila: {
    usage: 'four groups of hexadecimal digits, as 1:2:3:4',
    fits: (text) => /^\s*[0-9a-fA-F]{1,4}(:[0-9a-fA-F]{1,4}){3}$/.test(text),
  },
  uint64: {
    usage: 'a number of 64 bits',
    fits: (text) => {
      const number = readUnsigned(text);
      return number.ok && number.value <= 0xffff_ffff_ffff_ffffn;
    },
  },
};
