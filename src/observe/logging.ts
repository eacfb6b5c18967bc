/**
 * The log: a fixed sentence and fields, one event a line, on standard output.
 *
 *   error  someone must act
 *   warn   it may come to that
 *   info   ownership changed, or the agent's own state did
 *   debug  packets and requests
 *
 * Writing never waits for the reader: a reader that is too slow loses lines, and is told how many.
 * That is so because the agent renews its lease on the same thread.
 */
import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import { formatLine } from './pretty-log.ts';

export interface LogOptions {
  readonly level: 'error' | 'warn' | 'info' | 'debug';
  /** `auto`: pretty on a terminal, else json. */
  readonly format: 'auto' | 'json' | 'pretty';
  /** On every line, such as the node's name. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** Where lines go; the default is standard output. */
export interface LogOutput {
  write(text: string): void;
  readonly isTerminal: boolean;
  readonly colours: boolean;
}

/** Fields of these names are never written out, at the top or a few levels below it. */
const secretNames = new Set([
  'password', 'secret', 'token', 'authorization', 'privateKey', 'hmacKey',
]);
const secretDepth = 3;

export function createLogger(options: LogOptions, output: LogOutput = standardOutput()): Logger {
  const pretty = options.format === 'pretty' || (options.format === 'auto' && output.isTerminal);
  const stream: DestinationStream = {
    write: (line) => output.write(pretty ? formatLine(line, output.colours) : line),
  };
  const serializer = (value: unknown): unknown => describeError(value, options.level === 'debug');
  return pino({
    level: options.level,
    base: options.fields ?? {},
    timestamp: isoTimestamp(),
    formatters: {
      level: (label) => ({ level: label }),
      bindings: (fields) => withoutSecrets(fields),
      log: (fields) => withoutSecrets(fields),
    },
    serializers: { err: serializer, error: serializer },
  }, stream);
}

/** As pino's `isoTime`, which makes a date for each of the thousands of lines of a mass move. */
function isoTimestamp(): () => string {
  let second = Number.NaN;
  let upToSeconds = '';
  return () => {
    const now = Date.now();
    const ms = now % 1000;
    if (now - ms !== second) {
      second = now - ms;
      upToSeconds = new Date(second).toISOString().slice(0, -4);
    }
    return `,"time":"${upToSeconds}${String(ms).padStart(3, '0')}Z"`;
  };
}

/**
 * The same object if there is nothing to hide, as nearly always: pino's own redaction by paths with
 * wildcards takes longer than all the rest of a line, of which a mass takeover writes thousands.
 */
function withoutSecrets<T extends object>(fields: T, depth = secretDepth): T {
  let clean: Record<string, unknown> | null = null;
  for (const [name, value] of Object.entries(fields)) {
    // Of errors, only what describeError picks is written.
    const isOpen = typeof value === 'object' && value !== null && !(value instanceof Error);
    const shown: unknown = secretNames.has(name)
      ? '(secret)'
      : isOpen && depth > 1 ? withoutSecrets(value as object, depth - 1) : value;
    if (shown !== value) (clean ??= copyOf(fields))[name] = shown;
  }
  return clean as T | null ?? fields;
}

function copyOf(fields: object): Record<string, unknown> {
  return Object.assign(Array.isArray(fields) ? [] : {}, fields) as Record<string, unknown>;
}

/** An error as `{message, code, cause}`; its stack only where packets are logged too. */
function describeError(value: unknown, stacks: boolean, depth = 0): unknown {
  if (!(value instanceof Error)) return value;
  const code: unknown = 'code' in value ? value.code : undefined;
  return {
    message: value.message,
    ...typeof code === 'string' || typeof code === 'number' ? { code } : {},
    ...value.cause === undefined || depth > 3
      ? {}
      : { cause: describeError(value.cause, stacks, depth + 1) },
    ...stacks ? { stack: value.stack } : {},
  };
}

/** Lines that wait for a slow reader, in bytes; what comes beyond them is lost. */
const backlogBytes = 1024 * 1024;

function standardOutput(): LogOutput {
  const isTerminal = process.stdout.isTTY;
  const destination = pino.destination({ fd: 1, sync: false, maxLength: backlogBytes });
  let lost = 0;
  destination.on('drop', () => { lost += 1; });
  destination.on('drain', () => {
    if (lost === 0) return;
    destination.write(lostLine(lost));
    lost = 0;
  });
  return {
    isTerminal,
    colours: isTerminal && (process.env.NO_COLOR ?? '') === '' && process.env.TERM !== 'dumb',
    write: (text) => void destination.write(text),
  };
}

function lostLine(lines: number): string {
  const time = new Date().toISOString();
  return `${JSON.stringify({ level: 'warn', time, lines, msg: 'lines of this log were lost, its reader is too slow' })}\n`;
}
