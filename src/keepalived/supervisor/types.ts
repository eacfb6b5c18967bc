/** What the supervisor of keepalived is told, and what it tells. */
import type { Build } from '../config/build.ts';
import type { VipSettings } from '../render/settings.ts';

export interface SupervisorOptions {
  /** For keepalived's router_id. */
  readonly node: string;
  readonly settings: VipSettings;
  /** From `findKeepalived`. */
  readonly build: Build;
  /** keepalived to run: a name or a path. */
  readonly program: string;
  /** Of its own, and gone when the machine restarts: /run/tenure/keepalived. */
  readonly dir: string;
  /** Network namespace to run in, such as /run/netns/x; null for that of this process. */
  readonly netns: string | null;
  readonly onEvent: (event: SupervisorEvent) => void;
}

/** `STOP`: keepalived does not run, so this node holds nothing of the instance. */
export type VrrpState = 'INIT' | 'BACKUP' | 'MASTER' | 'FAULT' | 'STOP';

export type SupervisorEvent =
  | { readonly kind: 'started'; readonly pid: number; readonly instances: number }
  /** keepalived took a new configuration; `finished`: nothing is left to load. */
  | { readonly kind: 'loaded'; readonly instances: number; readonly finished: boolean }
  /** A new configuration was refused; what ran before runs on. Over with the next `loaded`. */
  | { readonly kind: 'refused'; readonly why: string }
  | {
    readonly kind: 'state';
    readonly instance: string;
    readonly pool: string;
    readonly from: VrrpState;
    readonly to: VrrpState;
    /** The FIFO tells at once, the dump what the FIFO lost, `process` that keepalived ended. */
    readonly source: 'fifo' | 'dump' | 'process';
  }
  /** It ended without being asked to; it is started again in `againMs`. */
  | { readonly kind: 'exited'; readonly how: string; readonly againMs: number }
  /** It did not answer for so long that it was killed. */
  | { readonly kind: 'hung'; readonly silentMs: number }
  /** Addresses that keepalived left behind were taken off. */
  | { readonly kind: 'cleaned'; readonly addresses: readonly string[] }
  | { readonly kind: 'trouble'; readonly what: string; readonly why: string }
  | { readonly kind: 'log'; readonly line: string };
