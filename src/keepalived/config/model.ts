/** A configuration as a value: what `read` returns and `write` takes. */
import type { root } from './table/root.ts';
import type { BlockOf } from './table/value-types.ts';

/** All of a configuration. Each key is a keyword of keepalived; blocks are objects. */
export type Configuration = BlockOf<typeof root>;

type Element<T> = T extends readonly (infer E)[] ? E : never;

export type GlobalDefs = NonNullable<Configuration['global_defs']>;
export type VrrpInstance = Element<Configuration['vrrp_instance']>;
export type VrrpSyncGroup = Element<Configuration['vrrp_sync_group']>;
export type VrrpScript = Element<Configuration['vrrp_script']>;
export type VrrpTrackProcess = Element<Configuration['vrrp_track_process']>;
export type TrackFile = Element<Configuration['track_file']>;
export type TrackGroup = Element<Configuration['track_group']>;
export type BfdInstance = Element<Configuration['bfd_instance']>;
export type GarpGroup = Element<Configuration['garp_group']>;
export type { OtherStatement, Locked } from './table/value-types.ts';
export type {
  AddressLine, Encapsulation, NextHop, RouteLine, RuleLine, Script, TrackLine, Weight,
} from './table/grammar-types.ts';
