/**
 * Has keepalived run under its supervisor while there is something to keep, and keeps what is to be
 * said of it.
 *
 *   run: nothing to keep ── wake ──► keepalived found ──► supervised … stop: handed over, ended
 *                                     └ missing, no directory: said, and tried again
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { VipConfig } from '../../config/agent-config.ts';
import type { InstancePlan } from '../../keepalived/render/plan.ts';
import { files } from '../../keepalived/supervisor/leftovers.ts';
import { findKeepalived } from '../../keepalived/supervisor/program.ts';
import { Supervisor } from '../../keepalived/supervisor/supervisor.ts';
import type { SupervisorEvent } from '../../keepalived/supervisor/types.ts';
import type { HostNetwork } from '../fitness.ts';
import { vipSettings } from './vip-settings.ts';

export type StateEvent = Extract<SupervisorEvent, { kind: 'state' }>;

export interface KeepalivedRunnerOptions {
  readonly node: string;
  readonly vip: VipConfig;
}

export interface KeepalivedRunnerModules {
  readonly log: Logger;
  readonly network: () => HostNetwork;
  /** Whether there is something to keep. */
  readonly isWanted: () => boolean;
  /** It has a supervisor: from now on `apply` counts. */
  readonly onBegun: () => void;
  readonly onState: (event: StateEvent) => void;
  /** It has nothing any more. */
  readonly onEmpty: () => void;
  /** What `notes` say may have changed. */
  readonly onNotes: () => void;
}

const tryAgainMs = 10_000;

export class KeepalivedRunner {
  readonly #options: KeepalivedRunnerOptions;
  readonly #modules: KeepalivedRunnerModules;
  readonly #notes = new Map<string, string>();
  readonly #counts = { exits: 0, hangs: 0 };
  #supervisor: Supervisor | null = null;
  #wake: (() => void) | null = null;

  constructor(options: KeepalivedRunnerOptions, modules: KeepalivedRunnerModules) {
    this.#options = options;
    this.#modules = modules;
  }

  /** What is wrong until it is over, in sentences by code. */
  get notes(): ReadonlyMap<string, string> {
    return this.#notes;
  }

  get counts(): { readonly exits: number; readonly hangs: number } {
    return this.#counts;
  }

  /** Whether `apply` counts. */
  get hasBegun(): boolean {
    return this.#supervisor !== null;
  }

  apply(instances: readonly InstancePlan[]): void {
    this.#supervisor?.apply(instances);
  }

  /** Another is heard to be master where this keepalived says that it is. */
  suspect(): void {
    this.#supervisor?.suspect();
  }

  /** There is something to keep. */
  wake(): void {
    this.#wake?.();
  }

  /** Also where an earlier run of the agent may have left a keepalived. */
  get isNeeded(): boolean {
    return this.#modules.isWanted()
      || existsSync(join(this.#options.vip.runDirectory, files.configuration));
  }

  /** Runs until the signal; then keepalived has handed over and is gone. */
  async run(signal: AbortSignal): Promise<void> {
    const wake = (): void => { this.wake(); };
    signal.addEventListener('abort', wake);
    try {
      while (!signal.aborted) {
        if (this.isNeeded) await this.#supervise(signal);
        else await new Promise<void>((resolve) => { this.#wake = resolve; });
      }
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }

  async #supervise(signal: AbortSignal): Promise<void> {
    const { node, vip } = this.#options;
    const { runDirectory: dir, program } = vip;
    const found = await findKeepalived(program);
    if ('error' in found) return this.#failed('vip-keepalived', found.error, signal);
    this.#notes.delete('vip-keepalived');
    const settings = vipSettings(vip, this.#modules.network());
    if ('error' in settings) return this.#failed('vip-peers', settings.error, signal);
    this.#notes.delete('vip-peers');
    const supervisor = new Supervisor({
      node, settings, dir, program, netns: null, build: found.build,
      onEvent: (event) => { this.#hear(event); },
    });
    this.#supervisor = supervisor;
    this.#modules.onBegun();
    try {
      await supervisor.run(signal);
    } catch (error) {
      this.#supervisor = null;
      const why = error instanceof Error ? error.message : String(error);
      await this.#failed('vip-directory', why, signal);
    } finally {
      this.#supervisor = null;
    }
  }

  async #failed(code: string, text: string, signal: AbortSignal): Promise<void> {
    this.#notes.set(code, text);
    this.#modules.onNotes();
    await sleep(tryAgainMs, undefined, { signal }).catch(() => undefined);
  }

  #hear(event: SupervisorEvent): void {
    const { log, onState, onEmpty, onNotes } = this.#modules;
    const { kind: _, ...fields } = event;
    switch (event.kind) {
      case 'state': return onState(event);
      case 'refused':
        this.#notes.set('vip-refused', 'the new configuration was refused, and what ran before runs '
          + `on: ${event.why.split('\n', 3).join(' ')}`);
        return onNotes();
      case 'loaded':
        this.#notes.delete('vip-refused');
        log.info(fields, 'keepalived: loaded');
        if (event.instances === 0) onEmpty();
        return onNotes();
      case 'exited':
        this.#counts.exits += 1;
        return log.error(fields, 'keepalived: exited');
      case 'hung':
        this.#counts.hangs += 1;
        return log.error(fields, 'keepalived: hung');
      case 'trouble': return log.error(fields, 'keepalived: trouble');
      case 'log': return log.debug({ line: event.line }, 'keepalived');
      case 'cleaned': return log.warn(fields, 'addresses that keepalived left were taken off');
      case 'started': log.info(fields, 'keepalived: started');
    }
  }
}
