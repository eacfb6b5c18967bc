import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { LabError, until, type Command } from './command.ts';
import { signal } from './registry.ts';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProcessSettings {
  /** What it is called in messages, and its log's file name. */
  readonly name: string;
  readonly command: Command;
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
  readonly cwd: string;
}

/** A long-running process of a lab; its output goes to a file. */
export class LabProcess {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** Resolves when it has ended, however; never rejects. */
  readonly exited: Promise<Exit>;
  readonly child: ChildProcess;
  #exit: Exit | null = null;

  /** With `ipc`, a message channel is opened: `child.send` and `child.on('message')`. */
  constructor(settings: ProcessSettings, ipc = false) {
    const [file, ...args] = settings.command;
    const log = openSync(settings.logFile, 'a');
    // A group of its own: Ctrl-C at a terminal reaches the lab, and the lab decides.
    const child = spawn(file, args, {
      cwd: settings.cwd, env: settings.env, detached: true,
      stdio: ipc ? ['ignore', log, log, 'ipc'] : ['ignore', log, log],
    });
    closeSync(log);
    this.name = settings.name;
    this.logFile = settings.logFile;
    this.child = child;
    this.exited = new Promise((resolve) => {
      const ended = (exit: Exit): void => {
        this.#exit ??= exit;
        resolve(this.#exit);
      };
      child.once('exit', (code, by) => ended({ code, signal: by }));
      child.once('error', () => ended({ code: null, signal: null }));
    });
    if (child.pid === undefined) throw new LabError(`${settings.name}: ${file} could not be started`);
    this.pid = child.pid;
  }

  /** How it ended, or null while it runs. */
  get exit(): Exit | null {
    return this.#exit;
  }

  /** What it has printed so far. */
  async output(): Promise<string> {
    return readFile(this.logFile, 'utf8');
  }

  /** The last lines of what it printed, for messages. */
  tail(lines = 20): string {
    return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  }

  /** Waits for a line that matches; rejects if the process ends before, with what it printed. */
  async waitForOutput(pattern: RegExp, timeoutMs = 10_000): Promise<RegExpExecArray> {
    return until(`${this.name} prints ${String(pattern)}`, async () => {
      const match = pattern.exec(await this.output());
      if (match === null) this.mustRun();
      return match;
    }, timeoutMs);
  }

  /** Throws if the process has ended. */
  mustRun(): void {
    if (this.#exit === null) return;
    const how = this.#exit.signal ?? `exit code ${this.#exit.code ?? 'none'}`;
    throw new LabError(`${this.name} ended (${how}):\n${this.tail()}`);
  }

  /** Ends it as a supervisor would: SIGTERM, and SIGKILL if it is still there after `graceMs`. */
  async stop(graceMs = 5_000): Promise<Exit> {
    this.signal('SIGTERM');
    this.signal('SIGCONT');
    const timer = setTimeout(() => this.killTree(), graceMs);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }

  /** kill -9, of the process alone: what it started lives on, as it would. */
  async kill(): Promise<Exit> {
    this.signal('SIGKILL');
    return this.exited;
  }

  /** SIGSTOP to it and all it started, and waits until the kernel has stopped them. */
  async pause(): Promise<void> {
    await freeze(this.name, processTree(this.pid));
  }

  resume(): void {
    for (const pid of processTree(this.pid)) signal(pid, 'SIGCONT');
  }

  signal(name: NodeJS.Signals): void {
    if (this.#exit === null) signal(this.pid, name);
  }

  killTree(): void {
    for (const pid of processTree(this.pid)) signal(pid, 'SIGKILL');
  }
}

/**
 * SIGSTOP, and waits until it has taken effect: one thread is woken for the signal, and until it
 * is that one's turn, on a busy machine after some milliseconds, the others go on and answer.
 */
export async function freeze(name: string, pids: readonly number[]): Promise<void> {
  for (const pid of pids) signal(pid, 'SIGSTOP');
  await until(`${name} stops`, () => pids.every(isFrozen), 10_000, 1);
}

function isFrozen(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).every((thread) => 'TtZ'.includes(stateOf(`${pid}/task/${thread}`)));
  } catch {
    return true;
  }
}

/** The agent that a supervisor runs; undefined for an agent that was started without one. */
export function supervisedBy(pid: number): number | undefined {
  return processTree(pid)[1];
}

/** The agent itself, where what was started is its supervisor. */
export function agentBelow({ name, pid }: LabProcess): number {
  const agent = supervisedBy(pid);
  if (agent === undefined) throw new LabError(`${name}: there is no agent below its supervisor`);
  return agent;
}

/** A process and all its descendants, ancestors first. */
export function processTree(pid: number): number[] {
  const tree = [pid];
  for (const parent of tree) {
    try {
      for (const thread of readdirSync(`/proc/${parent}/task`)) {
        const children = readFileSync(`/proc/${parent}/task/${thread}/children`, 'utf8').trim();
        if (children !== '') tree.push(...children.split(' ').map(Number));
      }
    } catch {
      // It ended meanwhile.
    }
  }
  return tree;
}

/** The kernel's letter for what a task, as /proc names it, does (proc(5)): T stopped, Z ended. */
function stateOf(task: string): string {
  try {
    const stat = readFileSync(`/proc/${task}/stat`, 'utf8');
    return stat.charAt(stat.lastIndexOf(')') + 2);
  } catch {
    return 'Z';
  }
}
