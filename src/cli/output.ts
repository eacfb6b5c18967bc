/** How commands show things: tables, ages, JSON and YAML. Pure. */
import { Option } from 'commander';
import { stringify } from 'yaml';
import { compareAddresses, parseAddress } from '../wire/address.ts';
import type { Output } from './context.ts';

export type Format = 'table' | 'wide' | 'json' | 'yaml';

export function formatOption(formats: readonly Format[]): Option {
  return new Option('-o, --output <format>', 'how to show it').choices(formats).default('table');
}

export interface Column<T> {
  readonly title: string;
  readonly of: (row: T) => string | number;
  /** Shown with `-o wide` alone. */
  readonly wide?: boolean;
}

/** Columns wide enough for what is in them, two spaces apart; numbers to the right. */
export function table<T>(
  columns: readonly Column<T>[], rows: readonly T[], format: 'table' | 'wide', colours: boolean,
): string {
  const shown = columns.filter(({ wide }) => format === 'wide' || wide !== true);
  const cells = rows.map((row) => shown.map(({ of }) => of(row)));
  const widths = shown.map(({ title }, i) =>
    Math.max(title.length, ...cells.map((line) => String(line[i]).length)));
  const numeric = shown.map((_, i) =>
    cells.length > 0 && cells.every((line) => typeof line[i] === 'number'));
  const line = (texts: readonly (string | number)[]): string => texts
    .map((text, i) => numeric[i] === true
      ? String(text).padStart(widths[i] ?? 0)
      : String(text).padEnd(widths[i] ?? 0))
    .join('  ').trimEnd();
  const head = line(shown.map(({ title }) => title));
  return `${[colours ? bold(head) : head, ...cells.map(line)].join('\n')}\n`;
}

function bold(text: string): string {
  return `\u001b[1m${text}\u001b[22m`;
}

export function structured(value: unknown, format: 'json' | 'yaml'): string {
  return format === 'json' ? `${JSON.stringify(value, null, 2)}\n` : stringify(value, { lineWidth: 0 });
}

/** Two units, the greatest that are not zero: `3m12s`, `2d4h`, `850ms` below a second. */
export function age(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))}ms`;
  const seconds = Math.floor(ms / 1000);
  const units = [
    ['d', Math.floor(seconds / 86_400)], ['h', Math.floor(seconds / 3600) % 24],
    ['m', Math.floor(seconds / 60) % 60], ['s', seconds % 60],
  ] as const;
  const first = units.findIndex(([, count]) => count > 0);
  return units.slice(first, first + 2)
    .filter(([, count]) => count > 0)
    .map(([unit, count]) => `${count}${unit}`)
    .join('');
}

/** `2026-11-22 00:19:07Z`. */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')}Z`;
}

/** IPv4 before IPv6, then by number; what is no address last. */
export function byAddress(a: string, b: string): number {
  const [first, second] = [parseAddress(a), parseAddress(b)];
  if ('error' in first || 'error' in second) {
    return Number('error' in first) - Number('error' in second) || (a < b ? -1 : Number(a > b));
  }
  return compareAddresses(first, second);
}

/** `1 address`, `2 addresses`. */
export function count(number: number | bigint, one: string, many: string): string {
  return `${number} ${Number(number) === 1 ? one : many}`;
}

/** The first few, and how many more there are. */
export function some(words: readonly string[], most = 5): string {
  const rest = words.length - most;
  return rest > 0 ? `${words.slice(0, most).join(', ')} and ${rest} more` : words.join(', ');
}

export function note(stderr: Output, text: string): void {
  stderr.write(`tenure: note: ${text}\n`);
}
