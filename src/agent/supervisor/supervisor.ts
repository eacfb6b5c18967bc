/**
 * The agent's parent process, in quorum mode. It does so little that it outlives the agent:
 *
 *   running ── the agent died by itself ──> gate closed ─ peers told ─ pause ──> running
 *      └── SIGTERM, SIGINT: passed on; ends as the agent does, peers told that it votes no more
 *
 * kill -9 of the agent alone so costs as long as telling takes. If the supervisor dies, the agent
 * hands over and ends (run-agent.ts): nobody would speak for it any more. If both die at once, that
 * is as a loss of power: the kernel fence closes by itself, and voters miss the heartbeats.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import type { GateCloser } from '../../net/fence-silence.ts';
import type { FromAgent } from './messages.ts';
import { threadsLeft, watchForDeath } from './death-watch.ts';
import { canaryVariable, supervisedVariable } from './messages.ts';
import { mourn } from './mourn.ts';
import type { Obituaries, UdpPost } from './obituaries.ts';

const shortestPauseMs = 100;
const longestPauseMs = 10_000;
/** An agent that lived for so long is restarted at once. */
const soundAfterMs = 60_000;
/** What the last obituaries need until they are out. */
const farewellMs = 50;
const usageExitCode = 2;
/** Often enough for V8 not to forget again what it compiled. */
const rehearseEveryMs = 10_000;
/** Behind standard streams and channel. */
const canaryFd = 4;

export interface SupervisorOptions {
  /** The program and its arguments. */
  readonly command: readonly [string, ...string[]];
}

export interface SupervisorModules {
  readonly log: Logger;
  readonly gate: GateCloser;
  readonly obituaries: Pick<Obituaries, 'prepare' | 'send' | 'leave'>;
  readonly post: Pick<UdpPost, 'rehearse'>;
  readonly notify: (text: string) => void;
  /** How often the service manager wants to hear that all is well, ms; null: it does not. */
  readonly watchdogMs: number | null;
}

interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #modules: SupervisorModules;
  #child: ChildProcess | null = null;
  #stopping = false;
  #wasReady = false;
  /** Of the agent that runs: it has put all in order itself, or all that is left to do was done. */
  #settled = false;
  #endPause: (() => void) | null = null;

  constructor(options: SupervisorOptions, modules: SupervisorModules) {
    this.#options = options;
    this.#modules = modules;
  }

  /** Resolves to the exit code of the last agent. */
  async run(): Promise<number> {
    const { watchdogMs, notify } = this.#modules;
    // While an agent runs, it is the one to say that all is well.
    const watchdog = watchdogMs === null ? undefined : setInterval(() => {
      if (this.#child === null) notify('WATCHDOG=1');
    }, watchdogMs);
    const rehearsal = setInterval(() => { this.#rehearse(); }, rehearseEveryMs);
    try {
      for (let pauseMs = shortestPauseMs; ;) {
        const begun = performance.now();
        const exit = await this.#once();
        const final = this.#final(exit);
        if (final !== null) return final;
        if (performance.now() - begun >= soundAfterMs) pauseMs = shortestPauseMs;
        await this.#pause(pauseMs);
        if (this.#stopping) return 0;
        pauseMs = Math.min(2 * pauseMs, longestPauseMs);
      }
    } finally {
      clearInterval(watchdog);
      clearInterval(rehearsal);
    }
  }

  /** SIGTERM, SIGINT, SIGHUP: the agent knows what to do. */
  signal(name: 'SIGTERM' | 'SIGINT' | 'SIGHUP'): void {
    if (name !== 'SIGHUP') this.#stopping = true;
    this.#child?.kill(name);
    if (this.#stopping) this.#endPause?.();
  }

  async #once(): Promise<Exit> {
    const [file, ...args] = this.#options.command;
    const { log } = this.#modules;
    const child = spawn(file, args, {
      stdio: ['inherit', 'inherit', 'inherit', 'ipc', 'pipe'],
      env: { ...process.env, [supervisedVariable]: '1', [canaryVariable]: String(canaryFd) },
    });
    this.#child = child;
    this.#settled = false;
    watchForDeath(child, child.stdio[canaryFd] as Duplex | null | undefined, () => {
      if (child === this.#child) this.#mourn({ code: null, signal: null });
    });
    child.on('message', (message) => { this.#receive(message as FromAgent); });
    const exit = await new Promise<Exit>((resolve) => {
      child.once('exit', (code, signal) => {
        // Not a turn later: others wait for this.
        if (code !== 0 || signal !== null) this.#mourn({ code, signal });
        // Nothing, if the mourning told more.
        this.#modules.obituaries.leave();
        if (this.#settled) log.info({ code, signal }, 'the agent ended');
        resolve({ code, signal });
      });
      child.once('error', (error) => {
        log.error({ error }, 'the agent cannot be started');
        resolve({ code: 1, signal: null });
      });
    });
    this.#child = null;
    return exit;
  }

  /** All that a death takes, but for its effect. */
  #rehearse(): void {
    const { gate, post, log } = this.#modules;
    const pid = this.#child?.pid;
    if (pid === undefined || threadsLeft(pid).length === 0) return;
    try {
      gate.rehearse();
    } catch (error) {
      log.warn({ error }, 'the gate could not be looked at');
    }
    post.rehearse();
  }

  #mourn(exit: Exit): void {
    const { log } = this.#modules;
    if (this.#settled) return;
    this.#settled = true;
    const done = mourn(this.#modules);
    if ('error' in done) {
      log.error({ ...done, ...exit }, 'the agent died, and its gate cannot be closed');
    } else {
      log.error({ ...exit, ...done }, 'the agent died: its gate is closed, and its peers are told');
    }
  }

  /** The exit code to end with; null: the agent is to be started again. */
  #final({ code }: Exit): number | null {
    if (code === 0) return 0;
    if (this.#stopping) return code ?? 1;
    // What is wrong from the start will be at the next start: whoever started us should know.
    if (code === usageExitCode || !this.#wasReady) return code ?? 1;
    return null;
  }

  async #pause(ms: number): Promise<void> {
    this.#modules.log.warn({ ms }, 'the agent is started again');
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#endPause = null;
  }

  #receive(message: FromAgent): void {
    switch (message.kind) {
      case 'last-words':
        return this.#modules.obituaries.prepare(message.words);
      case 'notify':
        return this.#modules.notify(message.text);
      case 'ready':
        this.#wasReady = true;
        return this.#rehearse();
      case 'leaving':
        this.#settled = true;
    }
  }
}

/** For the last round of obituaries, before the process ends. */
export async function farewell(): Promise<void> {
  await new Promise((resolve) => { setTimeout(resolve, farewellMs); });
}
