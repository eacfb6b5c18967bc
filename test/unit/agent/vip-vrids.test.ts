/** How Eips of VRRP get their VRIDs from a store that several nodes write to. */
import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import pino from 'pino';
import { VridKeeper } from '../../../src/agent/vip/vrid-keeper.ts';
import type { Wanted } from '../../../src/agent/vip/vip-engine.ts';
import { parseEipDocuments } from '../../../src/config/eip-document.ts';
import { annotated } from '../../../src/store/annotate.ts';
import { StoreError } from '../../../src/store/lease-store.ts';
import type { StoredDocument } from '../../../src/store/lease-store.ts';
import type { ForeignVrids } from '../../../src/keepalived/render/vrids.ts';

function manifest(name: string, address: string, vrid?: number): string {
  const text = `# kept\napiVersion: network.kubesphere.io/v1alpha2
kind: Eip
metadata: {name: ${name}}
spec: {address: ${address}, interface: eth0, protocol: vip}
`;
  return vrid === undefined ? text : annotated(text, 'tenure.io/vrid', String(vrid));
}

/** A store of documents that tells every keeper of each change, as the watch would. */
class Shared {
  readonly documents = new Map<string, StoredDocument>();
  readonly keepers: VridKeeper[] = [];
  refuses: StoreError | null = null;
  writes = 0;

  put(name: string, text: string): void {
    const revision = (this.documents.get(name)?.revision ?? 0) + 1;
    this.documents.set(name, { name, text, revision });
    this.tell();
  }

  tell(): void {
    const documents = [...this.documents.values()]
      .flatMap(({ name, text }) => parseEipDocuments(name, text).documents);
    for (const keeper of this.keepers) keeper.set(documents, new Map(this.documents));
  }

  async annotateDocument(
    document: StoredDocument, key: string, value: string,
  ): Promise<boolean> {
    await Promise.resolve();
    if (this.refuses !== null) throw this.refuses;
    if (this.documents.get(document.name)?.revision !== document.revision) return false;
    this.writes += 1;
    this.put(document.name, annotated(document.text, key, value));
    return true;
  }

  vrids(): Record<string, number | undefined> {
    return Object.fromEntries([...this.documents.values()].map(({ name, text }) =>
      [name, parseEipDocuments(name, text).documents[0]?.settings.vrid]));
  }
}

interface Node {
  readonly wanted: () => Wanted;
  listenedMs: number | null;
  foreign: ForeignVrids;
}

function node(shared: Shared, name: string): Node {
  let wanted: Wanted = { documents: [], vrids: new Map(), findings: [] };
  const made: Node = { wanted: () => wanted, listenedMs: 60_000, foreign: new Set() };
  shared.keepers.push(new VridKeeper({ node: name, timeoutMs: 1000 }, {
    store: shared, log: pino({ level: 'silent' }),
    engine: {
      set: (next) => { wanted = next; },
      get foreign() { return made.foreign; },
      listenedMs: () => made.listenedMs,
    },
  }));
  return made;
}

async function pass(ms: number): Promise<void> {
  for (let at = 0; at < ms; at += 50) {
    mock.timers.tick(50);
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  }
}

function inTime(body: () => Promise<void>): () => Promise<void> {
  return async () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      await body();
    } finally {
      mock.timers.reset();
    }
  };
}

describe('VRIDs of a store', () => {
  it('are given once, the same to all nodes, and used only when the store shows them', inTime(async () => {
    const shared = new Shared();
    const nodes = ['a', 'b', 'c'].map((name) => node(shared, name));
    shared.put('web', manifest('web', '192.0.2.1'));
    shared.put('dns', manifest('dns', '192.0.2.2'));
    assert.deepEqual(nodes.map(({ wanted }) => wanted().vrids.size), [0, 0, 0]);
    await pass(5_000);
    const { web, dns } = shared.vrids();
    assert.ok(web !== undefined && dns !== undefined && web !== dns, 'both have one of their own');
    assert.equal(shared.writes, 2);
    for (const { wanted } of nodes) {
      assert.deepEqual([...wanted().vrids].sort(), [['dns', dns], ['web', web]]);
    }
    assert.match(shared.documents.get('web')!.text, /^# kept/);
    for (const keeper of shared.keepers) keeper.close();
  }));

  it('are none that a stranger uses, once the wire was listened to for long enough', inTime(async () => {
    const shared = new Shared();
    const one = node(shared, 'a');
    one.listenedMs = 0;
    shared.put('web', manifest('web', '192.0.2.1'));
    await pass(10_000);
    assert.equal(shared.writes, 0);
    const taken = Array.from({ length: 254 }, (_, index) => `${index + 1}/4` as const);
    one.foreign = new Set(taken);
    one.listenedMs = 6_000;
    await pass(10_000);
    assert.deepEqual(shared.vrids(), { web: 255 });
    // Heard later, it stays: to change it would cost the address.
    one.foreign = new Set(['255/4']);
    await pass(10_000);
    assert.deepEqual([shared.writes, [...one.wanted().vrids]], [1, [['web', 255]]]);
    for (const keeper of shared.keepers) keeper.close();
  }));

  it('that two Eips have alike are mended: the first by name keeps it', inTime(async () => {
    const shared = new Shared();
    const one = node(shared, 'a');
    shared.put('web', manifest('web', '192.0.2.1', 51));
    shared.put('dns', manifest('dns', '192.0.2.2', 51));
    assert.deepEqual([...one.wanted().vrids], [['dns', 51]]);
    await pass(5_000);
    const { web, dns } = shared.vrids();
    assert.equal(dns, 51);
    assert.ok(web !== undefined && web !== 51, 'the later one has another');
    for (const keeper of shared.keepers) keeper.close();
  }));

  it('that cannot be written are said, with what would do, and tried again', inTime(async () => {
    const shared = new Shared();
    const one = node(shared, 'a');
    shared.refuses = new StoreError('denied', 'the right to patch eips is missing');
    shared.put('web', manifest('web', '192.0.2.1'));
    await pass(5_000);
    const [finding] = one.wanted().findings;
    assert.equal(finding?.code, 'vip-vrid-unwritten');
    assert.match(finding.text, /right to patch eips is missing; or annotate the Eip with tenure\.io\/vrid/);
    shared.refuses = null;
    await pass(10_000);
    assert.deepEqual(one.wanted().findings, []);
    assert.equal(one.wanted().vrids.size, 1);
    for (const keeper of shared.keepers) keeper.close();
  }));
});
