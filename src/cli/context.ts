/** What a command gets from outside, and how it fails. Tests give their own. */
import type { StoreSettings } from '../config/agent-config.ts';
import type { FileRead, ReadFile } from '../config/read-file.ts';
import type { LeaseStore, StoreHooks } from '../store/lease-store.ts';

export interface Output {
  write(text: string): void;
  /** A terminal that shows colours. */
  readonly colours: boolean;
}

export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly readFile: ReadFile;
  readonly readStdin: () => Promise<FileRead>;
  readonly hostName: string;
  /** Wall clock, ms since 1970. */
  readonly now: () => number;
  /** From here on it only waits for others, whom it is not to be in the way of. */
  readonly bePatient: () => void;
  /** Throws, or rejects with, StoreError('invalid') for settings that it cannot use. */
  readonly openStore: (
    settings: StoreSettings, hooks?: StoreHooks,
  ) => LeaseStore | Promise<LeaseStore>;
}

export const exitCodes = {
  /** The thing was not done, or is not well. */
  failed: 1,
  /** The command line, a document or the configuration is wrong: nothing was done. */
  usage: 2,
} as const;

/** Ends the command with `exitCode`, each line behind `tenure: ` on standard error. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: number;
  readonly lines: readonly string[];

  constructor(exitCode: number, lines: string | readonly string[], options?: ErrorOptions) {
    const all = typeof lines === 'string' ? [lines] : lines;
    super(all.join('\n'), options);
    this.exitCode = exitCode;
    this.lines = all;
  }
}

export function failed(line: string): CliError {
  return new CliError(exitCodes.failed, line);
}

export function usage(lines: string | readonly string[]): CliError {
  return new CliError(exitCodes.usage, lines);
}
