/** What the tests of the Kubernetes store share: a server, and a scene of its own for each test. */
import type { LeaseStore } from '../../src/store/lease-store.ts';
import { openKubernetesStore } from '../../src/store/kubernetes/kubernetes-store.ts';
import type { KubernetesOptions, Timing } from '../../src/store/kubernetes/options.ts';
import { startApiServer } from '../lab/apiserver.ts';
import type { ApiServer } from '../lab/apiserver.ts';
import { FaultProxy } from '../lab/fault-proxy.ts';
import { Player, allClaimed, assertNoOverlap, eventually } from './players.ts';
import type { PlayerOptions } from './players.ts';

export const eips = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '2001:db8::1'] as const;

export interface LeaseJson {
  readonly metadata: {
    readonly name: string;
    readonly resourceVersion: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: Readonly<Record<string, unknown>>;
}

let scenes = 0;

export class Stage {
  server: ApiServer | null = null;

  async open(): Promise<void> {
    this.server = await startApiServer(['tenure-system/tenure-agent', 'other-system/tenure-agent']);
    await this.server.apply('manifests/crd', 'manifests/rbac');
  }

  async close(): Promise<void> {
    await this.server?.stop();
  }

  /** Runs `play` in a namespace of its own; ends whatever it began. */
  scene(play: (scene: Scene) => Promise<void>): () => Promise<void> {
    return async () => {
      scenes += 1;
      const scene = new Scene(this.server!, `scene-${scenes}`);
      const { namespace } = scene;
      await this.server!.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
      try {
        await play(scene);
        assertNoOverlap(scene.players, eips);
      } finally {
        await scene.end();
      }
    };
  }
}

export class Scene {
  readonly server: ApiServer;
  readonly namespace: string;
  readonly players: Player[] = [];
  readonly #endings: (() => Promise<unknown>)[] = [];

  constructor(server: ApiServer, namespace: string) {
    this.server = server;
    this.namespace = namespace;
  }

  async proxy(): Promise<FaultProxy> {
    const proxy = await FaultProxy.start(this.server);
    this.#endings.push(() => proxy.stop());
    return proxy;
  }

  /** Through the proxy, or straight to the server. */
  async storeOptions(
    proxy: FaultProxy | null = null, timing: Partial<Timing> = {}, user = 'admin',
  ): Promise<KubernetesOptions> {
    return {
      kubeconfig: await this.server.kubeconfig(user, proxy === null ? {} : { server: proxy.url }),
      namespace: this.namespace,
      timing,
    };
  }

  async store(
    proxy: FaultProxy | null = null, timing: Partial<Timing> = {},
    more: Partial<KubernetesOptions> = {},
  ): Promise<LeaseStore> {
    const store = await openKubernetesStore({ ...await this.storeOptions(proxy, timing), ...more });
    this.#endings.push(() => store.close());
    return store;
  }

  async player(
    node: string, proxy: FaultProxy | null = null,
    more: Partial<PlayerOptions> & { readonly timing?: Partial<Timing> } = {},
  ): Promise<Player> {
    const player = await Player.start({
      node, eips, store: await this.storeOptions(proxy, more.timing), ...more,
    });
    this.players.push(player);
    return player;
  }

  /** Several at once, and every address claimed. */
  async cast(nodes: readonly string[], proxy: FaultProxy | null = null): Promise<Player[]> {
    const players = await Promise.all(nodes.map((node) => this.player(node, proxy)));
    await allClaimed(players, eips);
    // From then on nothing is written of itself.
    const heirs = Math.min(2, nodes.length - 1);
    await eventually(() => players.every((each) => each.seesHeirs(eips, heirs)), 'heirs are named');
    return players;
  }

  path(name = ''): string {
    return `/apis/coordination.k8s.io/v1/namespaces/${this.namespace}/leases${name === '' ? '' : `/${name}`}`;
  }

  async lease(name: string): Promise<LeaseJson | null> {
    const { status, body } = await this.server.ask('GET', this.path(name));
    return status === 200 ? body as LeaseJson : null;
  }

  async leases(): Promise<LeaseJson[]> {
    return ((await this.server.must('GET', this.path())) as { items: LeaseJson[] }).items;
  }

  /** As `kubectl patch --type merge`. */
  async edit(name: string, patch: unknown): Promise<void> {
    await this.server.must('PATCH', this.path(name), patch);
  }

  async remove(name: string): Promise<void> {
    await this.server.must('DELETE', this.path(name));
  }

  async end(): Promise<void> {
    await Promise.all(this.players.map((player) => player.kill()));
    for (const ending of this.#endings.reverse()) await ending();
  }
}
