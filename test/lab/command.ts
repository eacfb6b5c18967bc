import { spawn, spawnSync } from 'node:child_process';

/** What a lab could not do, said as a sentence; the output of the command that failed is in it. */
export class LabError extends Error {
  override readonly name = 'LabError';
}

/** A program and its arguments. */
export type Command = readonly [string, ...string[]];

export interface RunOptions {
  readonly input?: string;
  readonly timeoutMs?: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function failure(command: readonly string[], result: CommandResult, why: string): LabError {
  const said = `${result.stderr}${result.stdout}`.trim();
  return new LabError(`${command.join(' ')}: ${why}${said === '' ? '' : `: ${said}`}`);
}

/** Runs a command, whatever its exit code. Rejects if it cannot start or takes too long. */
export async function attempt(
  command: Command, options: RunOptions = {},
): Promise<CommandResult> {
  const [file, ...args] = command;
  const timeoutMs = options.timeoutMs ?? 20_000;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      stdio: 'pipe', env: options.env ?? process.env, ...(options.cwd ? { cwd: options.cwd } : {}),
    });
    let stdout = '';
    let stderr = '';
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    child.stdout.setEncoding('utf8').on('data', (text: string) => { stdout += text; });
    child.stderr.setEncoding('utf8').on('data', (text: string) => { stderr += text; });
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(new LabError(`${file} could not be started: ${error.message}`, { cause: error }));
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      const result = { code, stdout, stderr };
      if (late) reject(failure(command, result, `not done after ${timeoutMs} ms`));
      else resolve(result);
    });
    // A command that exits without reading its input makes the pipe break: its exit code tells.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
  });
}

/** Runs a command that must succeed, and returns what it printed. */
export async function run(command: Command, options: RunOptions = {}): Promise<string> {
  const result = await attempt(command, options);
  if (result.code !== 0) throw failure(command, result, `exit code ${result.code ?? 'none'}`);
  return result.stdout;
}

/** For the last moments of a process, where nothing can be awaited any more. Never throws. */
export function runSync(command: Command, input = ''): CommandResult {
  const [file, ...args] = command;
  const result = spawnSync(file, args, { input, encoding: 'utf8', timeout: 10_000 });
  return { code: result.status, stdout: result.stdout, stderr: result.stderr };
}

/** Resolves after `ms`; timers of a lab hold the process open on purpose. */
export async function sleep(ms: number): Promise<void> {
  await new Promise((resolve) => { setTimeout(resolve, ms); });
}

/**
 * Asks `check` every few milliseconds until it gives something else than null, undefined or false.
 * Rejects with `what` after `timeoutMs`, and with the last error of `check` as its cause.
 */
export async function until<T>(
  what: string, check: () => T | null | undefined | false | Promise<T | null | undefined | false>,
  timeoutMs = 10_000, everyMs = 10,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const value = await check();
      if (value !== null && value !== undefined && value !== false) return value;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= end) {
      const last = cause instanceof Error ? ` (last: ${cause.message})` : '';
      throw new LabError(`not after ${timeoutMs} ms: ${what}${last}`, { cause });
    }
    await sleep(everyMs);
  }
}
