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

/** Fields of these names are never written out, at the top or one or two levels below it. */
const secretNames = ['password', 'secret', 'token', 'authorization', 'privateKey', 'hmacKey'];
const redacted = secretNames.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

export function createLogger(options: LogOptions, output: LogOutput = standardOutput()): Logger {
  const pretty = options.format === 'pretty' || (options.format === 'auto' && output.isTerminal);
  const stream: DestinationStream = {
    write: (line) => output.write(pretty ? formatLine(line, output.colours) : line),
  };
  const serializer = (value: unknown): unknown => describeError(value, options.level === 'debug');
  return pino({
    level: options.level,
    base: options.fields ?? {},
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: redacted, censor: '(secret)' },
    serializers: { err: serializer, error: serializer },
  }, stream);
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
