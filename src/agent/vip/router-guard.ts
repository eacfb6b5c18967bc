/** Keeps the fence of virtual routers to what keepalived is to run, and sets it anew only then. */
import type { InstancePlan } from '../../keepalived/render/plan.ts';
import type { LinkTable } from '../../net/routes.ts';
import type { RouterFence } from './router-fence.ts';

export class RouterGuard {
  readonly #fence: RouterFence | null;
  readonly #advertMs: number;
  readonly #masters: () => ReadonlySet<string>;
  #guarded = '';
  #trouble: string | null = null;

  /** `fence` null: there is none. `masters`: Eips that this node is master of just now. */
  constructor(
    fence: RouterFence | null, advertMs: number, masters: () => ReadonlySet<string>,
  ) {
    this.#fence = fence;
    this.#advertMs = advertMs;
    this.#masters = masters;
  }

  /** What is wrong with it, as a sentence; null: nothing. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /**
   * To be called before keepalived can have them; that there are none is not the end of it. `text`:
   * what they are, to tell whether that is something else.
   */
  set(
    instances: readonly InstancePlan[], text: string, network: Pick<LinkTable, 'byName'>,
  ): void {
    // An interface that was made anew has another number, and no rules.
    const links = instances.map((one) => network.byName(one.interface)?.ifindex);
    const guarded = `${text} ${links.join()}`;
    if (instances.length === 0 || guarded === this.#guarded) return;
    this.#guarded = guarded;
    this.#trouble = this.#fence?.set(instances, this.#advertMs, this.#masters) ?? null;
  }

  /** keepalived has none any more, or is gone. */
  letGo(): void {
    this.#guarded = '';
    this.#fence?.remove();
  }
}
