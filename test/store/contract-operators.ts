import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { performance } from 'node:perf_hooks';
import type { StoredDocument } from '../../src/store/lease-store.ts';
import { ok, open, soon, tryOpen } from './contract-kit.ts';
import type { Contract, Lab } from './contract-kit.ts';

/**
 * For a store that keeps nothing but manifests: one of that name that says `text` somewhere, as
 * the store gives it back.
 */
export type Manifest = (name: string, text: string) => string;

async function stored(lab: Lab): Promise<Map<string, StoredDocument>> {
  const documents = await lab.client().listDocuments(soon());
  return new Map(documents.map((document) => [document.name, document]));
}

export function operatorContract({ run, scale }: Contract, manifest?: Manifest): void {
  const say = manifest ?? ((_name, text) => text);
  const texts = (documents: Iterable<StoredDocument>): string[] => (
    [...documents].map(({ name, text }) => `${name}: ${text}`).sort()
  );
  const saying = (...wanted: [string, string][]): string[] => (
    wanted.map(([name, text]) => `${name}: ${say(name, text)}`)
  );

  describe('documents', () => {
    // Kubernetes keeps objects, which have no layout and no comments.
    if (manifest === undefined) {
      it('are kept to the letter', run(async (lab) => {
        const client = lab.client();
        const text = 'kind: Eip\n# ü – \u{1f310}\nspec: {}\r\n';
        assert.equal(await client.putDocuments([{ name: 'web', text, revision: 0 }], soon()), true);
        const all = await stored(lab);
        assert.equal(all.get('web')?.text, text);
        ok(all.get('web')!.revision > 0);
      }));
    }

    it('are written all or none, each from the revision that was read', run(async (lab) => {
      const client = lab.client();
      const put = (...documents: [string, string, number][]) => client.putDocuments(
        documents.map(([name, text, revision]) => ({
          name, text: say(name, text), revision,
        })), soon(),
      );
      assert.equal(await put(['a', '1', 0], ['b', '1', 0]), true);
      const { revision } = (await stored(lab)).get('a')!;
      assert.equal(await put(['c', '1', 0], ['a', '2', 0]), false);
      assert.equal(await put(['c', '1', 0], ['a', '2', revision + 1]), false);
      assert.deepEqual(texts((await stored(lab)).values()), saying(['a', '1'], ['b', '1']));
      assert.equal(await put(['c', '1', 0], ['a', '2', revision]), true);
      assert.deepEqual(
        texts((await stored(lab)).values()), saying(['a', '2'], ['b', '1'], ['c', '1']),
      );
      assert.equal(await put(), true);
    }));

    it('are deleted once', run(async (lab) => {
      const client = lab.client();
      await client.putDocuments([{ name: 'a', text: say('a', 't'), revision: 0 }], soon());
      assert.equal(await client.deleteDocument('a', soon()), true);
      assert.equal(await client.deleteDocument('a', soon()), false);
      assert.deepEqual(await client.listDocuments(soon()), []);
    }));

    it('are watched: all first, then each change', run(async (lab) => {
      const client = lab.client();
      await client.putDocuments([{ name: 'a', text: say('a', '1'), revision: 0 }], soon());
      const seen = new Map<string, StoredDocument>();
      const resets: boolean[] = [];
      lab.background((signal) => lab.client().watchDocuments((change) => {
        resets.push(change.reset);
        for (const { name, document } of change.documents) {
          if (document === null) seen.delete(name);
          else seen.set(name, document);
        }
      }, signal));
      await eventually(() => seen.get('a')?.text === say('a', '1'), scale.eventuallyMs);
      await client.putDocuments([{ name: 'b', text: say('b', '1'), revision: 0 }], soon());
      await client.deleteDocument('a', soon());
      await eventually(() => !seen.has('a') && seen.has('b'), scale.eventuallyMs);
      assert.deepEqual(seen.get('b'), (await stored(lab)).get('b'));
      assert.deepEqual(resets, [true, ...resets.slice(1).map(() => false)]);
    }));
  });

  describe('drains and requests to move', () => {
    it('are set, seen and lifted, as often as anyone likes', run(async (lab) => {
      const client = lab.client();
      const observer = await lab.observe();
      for (let round = 0; round < 2; round += 1) await client.setDrain('a', true, soon());
      await observer.until(() => observer.view.drains.has('a'));
      for (let round = 0; round < 2; round += 1) await client.setDrain('a', false, soon());
      await observer.until(() => !observer.view.drains.has('a'));
    }));

    it('replace one another, and are settled', run(async (lab) => {
      const client = lab.client();
      const observer = await lab.observe();
      await client.requestMove({ eip: '2001:db8::1', to: 'a', at: 5 }, soon());
      await client.requestMove({ eip: '2001:db8::1', to: 'b', at: 6 }, soon());
      await observer.until(() => observer.view.moves.get('2001:db8::1')?.to === 'b');
      assert.deepEqual(observer.view.moves.get('2001:db8::1'), {
        eip: '2001:db8::1', to: 'b', at: 6,
      });
      const eips = ['2001:db8::1', '192.0.2.77', '2001:db8::1'];
      const answer = await client.perform({ kind: 'settle-moves', eips }, soon());
      assert.deepEqual(answer, { kind: 'settled' });
      await observer.until(() => observer.view.moves.size === 0);
    }));
  });

  describe('calls', () => {
    it('keep apart names that differ by whatever character', run(async (lab) => {
      const client = lab.client();
      const names = ['a', 'a/b', 'a%2Fb', 'a b', 'ä', 'A', '..', 'a/1', 'n:1'];
      const leases = await Promise.all(names.map((name) => open(client, name)));
      const view = await client.read(soon());
      assert.deepEqual([...view.nodes.keys()].sort(), [...names].sort());
      leases.forEach(({ id }, n) => assert.equal(id.node, names[n]));
      for (const name of names) await client.setDrain(name, true, soon());
      assert.deepEqual([...(await client.read(soon())).drains.keys()].sort(), [...names].sort());
    }));

    it('refuse what nobody could mean, with the field and its value', run(async (lab) => {
      const client = lab.client();
      const tenure = { node: 'a', incarnation: 1 };
      const bad: [RegExp, () => Promise<unknown>][] = [
        [/node ""/, () => tryOpen(client, '')],
        [/node "a\\n"/, () => tryOpen(client, 'a\n')],
        [/node "\\ud800"/, () => tryOpen(client, '\ud800')],
        [/ttlMs is 0/, () => tryOpen(client, 'a', { ttlMs: 0 })],
        [/ttlMs is NaN/, () => client.perform({ kind: 'renew', tenure, ttlMs: NaN }, soon())],
        [/replaces is -1/, () => tryOpen(client, 'a', { replaces: -1 })],
        [/incarnation is 0/, () => client.perform({
          kind: 'close', tenure: { node: 'a', incarnation: 0 },
        }, soon())],
        [/node ""/, () => client.setDrain('', true, soon())],
        [/document ""/, () => client.putDocuments([{ name: '', text: '', revision: 0 }], soon())],
      ];
      for (const [message, call] of bad) {
        await assert.rejects(call, { name: 'StoreError', code: 'invalid', message });
      }
    }));

    it('give up at once when they are aborted', run(async (lab) => {
      const client = lab.client();
      const { id } = await open(client, 'a');
      const aborted = AbortSignal.abort();
      const before = performance.now();
      const calls = [
        client.perform({ kind: 'renew', tenure: id, ttlMs: 60_000 }, aborted),
        client.perform({ kind: 'close', tenure: id }, aborted),
        client.read(aborted), client.listDocuments(aborted), client.setDrain('a', true, aborted),
      ];
      for (const call of calls) await assert.rejects(call, { name: 'StoreError', code: 'timeout' });
      ok(performance.now() - before < 1_000);
      ok((await client.read(soon())).nodes.has('a'));
    }));

    it('tell what the store is', run(async (lab) => {
      const info = await lab.client().info(soon());
      assert.match(info.kind, /^\w+$/);
      assert.match(info.version, /\d/);
      for (const { problem } of info.endpoints) assert.equal(problem, null);
    }));
  });
}

async function eventually(condition: () => boolean, withinMs: number): Promise<void> {
  const until = performance.now() + withinMs;
  while (!condition()) {
    ok(performance.now() < until, 'waited too long');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
