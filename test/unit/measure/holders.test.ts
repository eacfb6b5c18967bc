import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Holders, type HolderEvent, type Settled } from '../../../src/measure/holders.ts';

const [a, b, c] = ['02:00:00:00:00:0a', '02:00:00:00:00:0b', '02:00:00:00:00:0c'];

/** Plays signs in the order of their times, with a tick every 50 ms in between. */
function played(
  signs: readonly (readonly [at: number, mac: string, by?: 'claim' | 'answer'])[], until: number,
): { events: HolderEvent[]; settled: Settled[]; holder: string | null } {
  const events: HolderEvent[] = [];
  const holders = new Holders((event) => { events.push(event); });
  let next = 0;
  for (let now = 0; now <= until; now += 50) {
    for (; signs[next] !== undefined && signs[next]![0] <= now; next += 1) {
      const [at, mac, by = 'claim'] = signs[next]!;
      if (by === 'claim') holders.claim({ at, kind: 'gratuitous', mac });
      else holders.answer(at, mac);
    }
    holders.tick(now);
  }
  holders.finish(until);
  const settled = events.filter((event) => event.event === 'settled');
  return { events, settled, holder: holders.holder };
}

/** Signs every `every` ms. */
function series(
  mac: string, from: number, to: number, every: number, by: 'claim' | 'answer' = 'claim',
): [number, string, 'claim' | 'answer'][] {
  const signs: [number, string, 'claim' | 'answer'][] = [];
  for (let at = from; at < to; at += every) signs.push([at, mac, by]);
  return signs;
}

function sorted<T extends readonly [number, ...unknown[]]>(...all: readonly (readonly T[])[]): T[] {
  return all.flat().toSorted((x, y) => x[0] - y[0]);
}

describe('An address on the LAN', () => {
  it('is held by the first that claims it', () => {
    const { events, holder } = played([[10, a], [500, a]], 3000);
    assert.deepEqual(events, [{ event: 'held', at: 10, mac: a, by: 'claim' }]);
    assert.equal(holder, a);
  });

  it('moves when another one claims it, with the pause in between and nothing late', () => {
    const { events, settled, holder } = played([[10, a], [500, a], [530, b], [600, b]], 3000);
    assert.deepEqual(events[1], { event: 'taken', at: 530, from: a, to: b, by: 'claim' });
    assert.deepEqual(settled, [{
      event: 'settled', at: 530, from: a, to: b, by: 'claim', pauseMs: 30,
      late: { claims: 0, ms: 0 }, open: false,
    }]);
    assert.equal(holder, b);
  });

  it('moved with the first sign by its time, though a later one was read before it', () => {
    const events: HolderEvent[] = [];
    const holders = new Holders((event) => { events.push(event); });
    holders.claim({ at: 0, kind: 'gratuitous', mac: a });
    holders.answer(1001, b);
    holders.claim({ at: 1000, kind: 'gratuitous', mac: b });
    holders.tick(2500);
    const last = events.at(-1);
    assert.ok(last?.event === 'settled', 'it is settled');
    assert.deepEqual([last.at, last.by], [1000, 'claim']);
  });

  it('moves to one that answers without having claimed it, and back', () => {
    const { settled } = played(sorted(
      series(a, 0, 1000, 10, 'answer'), series(b, 1040, 4000, 10, 'answer'),
      series(a, 4050, 7000, 10, 'answer'),
    ), 7000);
    assert.deepEqual(settled.map(({ at, from, to, by }) => [at, from, to, by]), [
      [1040, a, b, 'answer'], [4050, b, a, 'answer'],
    ]);
  });

  it('has moved though the old holder still serves what reaches it', () => {
    const { events, settled } = played(sorted<[number, string, ('claim' | 'answer')?]>(
      [[0, a], [1000, b], [1100, b]], series(a, 1, 2500, 10, 'answer'),
      series(b, 2500, 4000, 10, 'answer'),
    ), 4000);
    assert.equal(settled.length, 1);
    assert.equal(settled[0]?.to, b);
    assert.equal(settled[0].late.claims, 0);
    assert.equal(events.some(({ event }) => event === 'late-claim'), false);
  });

  it('counts claims by the old one after the new one\'s first, and says so at once', () => {
    const { events, settled } = played(
      [[0, a], [1000, b], [1005, a], [1040, a], [1060, b], [1500, b]], 4000);
    assert.deepEqual(events.find(({ event }) => event === 'late-claim'), {
      event: 'late-claim', at: 1005, mac: a, newHolder: b, ms: 5,
    });
    assert.deepEqual(settled[0]?.late, { claims: 2, ms: 40 });
    assert.equal(settled[0].to, b);
  });

  it('has moved to the one that answers, though the other had the last word', () => {
    const { settled } = played(sorted<[number, string, ('claim' | 'answer')?]>(
      [[0, a], [1000, b], [1005, a]], series(b, 1001, 4000, 10, 'answer'),
    ), 4000);
    assert.deepEqual(settled.map(({ to, late }) => [to, late.claims]), [[b, 1]]);
  });

  it('is contested as long as two claim it, and counts on until the end', () => {
    const { settled } = played(sorted(
      series(a, 0, 10_000, 20), series(b, 1010, 10_000, 20),
    ), 10_000);
    assert.equal(settled.length, 1);
    const [only] = settled;
    assert.deepEqual([only?.from, only?.to, only?.open], [a, b, true]);
    assert.equal(only?.late.claims, 449);
    assert.equal(only.late.ms, 8970);
  });

  it('stays where it is if a stranger claims it and is seen no more', () => {
    const { settled, holder } = played(sorted(series(a, 0, 5000, 100), [[2050, c, 'claim']]), 5000);
    assert.equal(holder, a);
    assert.deepEqual(settled.map(({ from, to, late }) => [from, to, late.claims]), [[a, a, 1]]);
  });

  it('takes questions whether anyone has it for no claim', () => {
    const events: HolderEvent[] = [];
    new Holders((event) => { events.push(event); }).claim({ at: 1, kind: 'probe', mac: a });
    assert.deepEqual(events, []);
  });
});
