/** The fence of virtual routers (src/net/vrrp-fence.ts) as the engine uses it. */
import type { InstancePlan } from '../../keepalived/render/plan.ts';

export interface RouterFence {
  /**
   * Guards the addresses of these instances, and of no others. `masters`: Eips that this node is
   * master of just now. Gives what is wrong, as a sentence.
   */
  set(
    instances: readonly InstancePlan[], advertMs: number, masters: () => ReadonlySet<string>,
  ): string | null;
  /** Another advertises the same while this node is master, and is heard as keepalived would. */
  heard(pool: string): void;
  /** Claims that were held back. */
  dropped(): number;
  /** Lets everything pass; it may be set again. */
  remove(): void;
}
