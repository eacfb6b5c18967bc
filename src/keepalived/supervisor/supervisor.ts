/**
 * Runs keepalived as a child, and keeps it to what is wanted.
 *
 *     nothing wanted ──apply──► start ──► runs ──apply──► test, reload in steps ──► runs
 *                                 ▲         │ ends, or hangs
 *                                 └─ wait ◄─┴─► take its addresses off
 *
 * One task does all of it, one thing after another; `apply` only leaves word. Election is
 * keepalived's own. Nothing but the directory given, the process started, and the addresses it was
 * told to hold is ever touched.
 */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigurationRefused, write } from '../config/write/write.ts';
import { configurationFor, refusals } from '../render/configuration.ts';
import type { InstancePlan } from '../render/plan.ts';
import { nextStep } from '../render/steps.ts';
import { Keepalived } from './child.ts';
import { readDump, removeDump, dumpFile } from './dump.ts';
import {
  addressesOfLastRun, endOrphans, files, ownProcess, removeAddresses, type PlacedAddress,
} from './leftovers.ts';
import { NotifyFifo } from './notify.ts';
import { runProgram } from './program.ts';
import { refereeFile } from './referee.ts';
import { States } from './states.ts';
import { times } from './times.ts';
import type { SupervisorOptions } from './types.ts';

/** What one address costs in a reload, as measured with 2.2.7; half of three adverts are for it. */
const addressMs = 4;

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #states: States;
  #wanted: readonly InstancePlan[] = [];
  /** What keepalived runs with, or would again. */
  #loaded: readonly InstancePlan[] = [];
  #refused: { readonly what: readonly InstancePlan[]; readonly at: number } | null = null;
  #child: Keepalived | null = null;
  #startedAt = 0;
  #startAt = 0;
  #delayMs: number = times.firstDelayMs;
  #dumpAt = 0;
  #missedDumps = 0;
  #answeredAt = 0;
  #isSuspected = false;
  #dumpSignal: number | null = null;
  #reloaded: (() => void) | null = null;
  #wake: (() => void) | null = null;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#states = new States(options.onEvent);
  }

  /** What keepalived is to hold from now on. Of several in a row the last counts. */
  apply(instances: readonly InstancePlan[]): void {
    this.#wanted = instances;
    this.#wake?.();
  }

  /** Another is heard to be master where this keepalived says that it is: perhaps it hangs. */
  suspect(): void {
    // Not at once after an answer: whoever contests goes on.
    if (performance.now() - this.#answeredAt < times.suspectMs) return;
    this.#isSuspected = true;
    this.#dumpAt = 0;
    this.#wake?.();
  }

  /** Runs until the signal; then keepalived is stopped, and gone when this resolves. */
  async run(signal: AbortSignal): Promise<void> {
    const { dir, netns, program, build } = this.#options;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    await endOrphans(dir, times.stopMs);
    await this.#clean(addressesOfLastRun(dir));
    if (this.#wanted.length === 0) {
      this.#options.onEvent({ kind: 'loaded', instances: 0, finished: true });
    }
    const fifo = join(dir, files.fifo);
    rmSync(fifo, { force: true });
    const made = await runProgram(['mkfifo', '-m', '600', fifo]);
    if (made.code !== 0) throw new Error(`${fifo}: mkfifo: ${made.error ?? made.output}`);
    const notify = new NotifyFifo(fifo, (notice) => { this.#states.set(notice, 'fifo'); });
    if (build.features.has('JSON')) {
      const { output } = await runProgram([program, '--signum=JSON'], netns);
      this.#dumpSignal = /^\d+$/.test(output) ? Number(output) : null;
    }
    try {
      while (!signal.aborted) await this.#turn(signal);
    } finally {
      await this.#stop();
      notify.close();
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    if (this.#child?.hasExited === true) return this.#mourn(this.#child);
    const now = performance.now();
    if (!this.#child) {
      if (this.#wanted.length > 0 && now >= this.#startAt) return this.#start();
    } else if (this.#wanted.length === 0) {
      await this.#stop();
      this.#loaded = [];
      this.#options.onEvent({ kind: 'loaded', instances: 0, finished: true });
      return;
    } else if (this.#wanted !== this.#loaded && !this.#isRefused(now)) {
      return this.#reload(signal);
    } else if (now >= this.#dumpAt && this.#dumpSignal !== null) {
      return this.#compare(signal, this.#child);
    }
    return this.#rest(signal, now);
  }

  /** Until there is something to do. */
  async #rest(signal: AbortSignal, now: number): Promise<void> {
    const due = this.#child ? this.#dumpAt : this.#wanted.length > 0 ? this.#startAt : Infinity;
    const woken = new Promise<void>((resolve) => { this.#wake = resolve; });
    const rest = new AbortController();
    const stop = () => { this.#wake?.(); };
    signal.addEventListener('abort', stop);
    const waitMs = Math.min(Math.max(due - now, 1), 60_000);
    await Promise.race([woken, sleep(waitMs, undefined, { signal: rest.signal }).catch(stop)]);
    rest.abort();
    signal.removeEventListener('abort', stop);
    this.#wake = null;
  }

  #isRefused(now: number): boolean {
    return this.#refused?.what === this.#wanted && now < this.#refused.at + times.againMs;
  }

  /** Starts with what is wanted, or else with what ran before. */
  async #start(): Promise<void> {
    // There may be another by the time that this one is accepted.
    const wanted = this.#wanted;
    const first = await this.#accept(wanted) ? wanted
      : this.#loaded.length > 0 && await this.#accept(this.#loaded, true) ? this.#loaded : null;
    if (!first) {
      this.#startAt = performance.now() + times.againMs;
      return;
    }
    this.#loaded = first;
    const { program, dir, netns, onEvent } = this.#options;
    const child = new Keepalived(program, dir, netns, (line) => { this.#hear(line); });
    this.#child = child;
    this.#startedAt = performance.now();
    this.#dumpAt = this.#startedAt + 1000;
    this.#missedDumps = 0;
    void child.ended.then(() => { this.#wake?.(); });
    this.#states.follow(first);
    onEvent({ kind: 'started', pid: child.pid, instances: first.length });
    const finished = first === this.#wanted;
    if (finished) onEvent({ kind: 'loaded', instances: first.length, finished });
  }

  #hear(line: string): void {
    if (/reload (complete|finished)/i.test(line)) this.#reloaded?.();
    this.#options.onEvent({ kind: 'log', line });
  }

  /** One step towards what is wanted. */
  async #reload(signal: AbortSignal): Promise<void> {
    const { settings, onEvent } = this.#options;
    const wanted = this.#wanted;
    const room = Math.floor(1.5 * settings.advertMs / addressMs);
    const next = nextStep(this.#loaded, wanted, Math.min(500, Math.max(2, room)));
    if (next.length === 0) {
      await this.#stop();
      this.#loaded = [];
      return;
    }
    if (!await this.#accept(next)) {
      this.#refused = { what: wanted, at: performance.now() };
      return;
    }
    this.#refused = null;
    const done = new Promise<boolean>((resolve) => { this.#reloaded = () => { resolve(true); }; });
    this.#child?.signal('SIGHUP');
    const late = sleep(times.reloadMs, false, { ref: false });
    const ended = this.#child?.ended.then(() => true);
    if (!await Promise.race([done, late, ended])) {
      onEvent({ kind: 'trouble', what: 'reload', why: `not done in ${times.reloadMs} ms` });
    }
    this.#reloaded = null;
    this.#loaded = next;
    this.#states.follow(next);
    this.#dumpAt = performance.now() + 500;
    onEvent({ kind: 'loaded', instances: next.length, finished: next === wanted });
    // Let it be heard on the wire before the next step.
    if (next !== wanted) {
      await sleep(2 * settings.advertMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Puts a configuration in place if keepalived takes it; else the old one stays. */
  async #accept(instances: readonly InstancePlan[], again = false): Promise<boolean> {
    const why = await this.#whyNot(instances);
    if (why === null) return true;
    if (!again) this.#options.onEvent({ kind: 'refused', why });
    return false;
  }

  async #whyNot(instances: readonly InstancePlan[]): Promise<string | null> {
    const { node, settings, build, dir, netns, program } = this.#options;
    const { version } = build;
    const [refused] = refusals(settings, version, instances);
    if (refused !== undefined) return refused;
    const next = join(dir, files.next);
    try {
      const text = write(configurationFor({
        node, instances, settings, version, fifo: join(dir, files.fifo),
        refereeFile: (instance) => refereeFile(dir, instance),
        ...build.features.has('JSON') ? { dump: dumpFile(dir) } : {},
      }), {
        version, facts: { features: build.features },
        header: ['Written by Tenure, and again whenever an Eip changes.'],
      });
      writeFileSync(next, text, { mode: 0o600 });
    } catch (error) {
      if (error instanceof ConfigurationRefused) return error.message;
      // A disk that is full, a directory that is gone.
      return `${next}: ${error instanceof Error ? error.message : String(error)}`;
    }
    const test = await runProgram([program, '--config-test', '--use-file', next], netns);
    if (test.code !== 0) return test.output || `keepalived --config-test: ${test.error ?? 'crashed'}`;
    try {
      renameSync(next, join(dir, files.configuration));
    } catch (error) {
      return `${next}: ${error instanceof Error ? error.message : String(error)}`;
    }
    return null;
  }

  /** Compares the states with keepalived's own dump; two that are unanswered mean that it hangs. */
  async #compare(signal: AbortSignal, child: Keepalived): Promise<void> {
    const { dir, onEvent } = this.#options;
    removeDump(dir);
    child.signal(this.#dumpSignal ?? 0);
    const waitMs = this.#isSuspected ? times.suspectMs : times.dumpMs;
    const notices = await readDump(dir, waitMs, signal);
    const isSuspected = this.#isSuspected;
    this.#isSuspected = false;
    this.#dumpAt = performance.now() + times.dumpEveryMs;
    if (notices) {
      this.#missedDumps = 0;
      this.#answeredAt = performance.now();
      for (const notice of notices) this.#states.set(notice, 'dump');
      return;
    }
    if (signal.aborted || child.hasExited) return;
    this.#missedDumps += 1;
    this.#dumpAt = performance.now();
    if (this.#missedDumps < 2 && !isSuspected) return;
    onEvent({ kind: 'hung', silentMs: isSuspected ? waitMs : this.#missedDumps * waitMs });
    this.#kill();
    await Promise.race([child.ended, sleep(times.stopMs, undefined, { ref: false })]);
  }

  /** It ended by itself: what it left is taken off, and it is started again, later each time. */
  async #mourn(child: Keepalived): Promise<void> {
    // Its child takes the addresses off and ends, unless that was killed.
    const grace = new AbortController();
    const late = sleep(1000, undefined, { signal: grace.signal }).then(() => { this.#kill(); });
    late.catch(() => undefined);
    const how = await child.ended;
    grace.abort();
    await this.#gone();
    const ranMs = performance.now() - this.#startedAt;
    if (ranMs >= times.stableMs) this.#delayMs = times.firstDelayMs;
    this.#options.onEvent({ kind: 'exited', how, againMs: this.#delayMs });
    this.#startAt = performance.now() + this.#delayMs;
    this.#delayMs = Math.min(2 * this.#delayMs, times.mostDelayMs);
  }

  async #stop(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    child.signal('SIGTERM');
    const timer = setTimeout(() => { this.#kill(); }, times.stopMs);
    await child.ended;
    clearTimeout(timer);
    await this.#gone();
  }

  async #gone(): Promise<void> {
    this.#child = null;
    this.#states.stopped();
    // It may have ended in the middle of a reload: then it had the one or the other.
    const loaded = this.#loaded.flatMap((instance) => instance.addresses.map((address) =>
      ({ address, interface: instance.interface })));
    await this.#clean([...loaded, ...addressesOfLastRun(this.#options.dir)]);
    await endOrphans(this.#options.dir, 0);
  }

  #kill(): void {
    this.#child?.signal('SIGKILL');
    const pid = ownProcess(this.#options.dir, files.vrrpPid);
    if (pid !== null) process.kill(pid, 'SIGKILL');
  }

  async #clean(addresses: readonly PlacedAddress[]): Promise<void> {
    const { netns, onEvent } = this.#options;
    const { removed, error } = await removeAddresses(addresses, netns);
    if (removed.length > 0) onEvent({ kind: 'cleaned', addresses: removed });
    if (error !== null) onEvent({ kind: 'trouble', what: 'addresses left behind', why: error });
  }
}
