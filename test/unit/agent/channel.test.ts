import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Channel, channelEnds } from '../../../src/agent/wire/channel.ts';
import { until } from '../../lab/command.ts';

describe('the channel between main thread and wire thread', () => {
  let near: Channel<unknown, unknown>;
  let far: Channel<unknown, unknown>;
  let heard: unknown[];

  beforeEach(() => {
    const [a, b] = channelEnds();
    near = new Channel(a);
    far = new Channel(b);
    heard = [];
  });

  afterEach(() => {
    near.close();
    far.close();
  });

  it('brings plain data as it is, in order, both ways', async () => {
    const messages = [
      { a: 1, none: undefined, set: new Map([['x', [null, -0.5, Infinity]]]) }, 'two', [3],
      { bytes: new Uint8Array([1, 2, 3]) },
    ];
    far.onMessage((message) => { heard.push(message); });
    for (const message of messages) near.post(message);
    await until('all are heard', () => heard.length === messages.length);
    assert.deepEqual(heard, messages);
    near.onMessage((message) => { heard.push(message); });
    far.post('back');
    await until('the answer is heard', () => heard.at(-1) === 'back');
  });

  it('takes what is larger than the kernel has room for, and what comes after it', async () => {
    const text = 'x'.repeat(300_000);
    const large = Array.from({ length: 40 }, (_, i) => ({ i, text }));
    for (const message of large) near.post(message);
    near.post('last');
    far.onMessage((message) => { heard.push(message); });
    await until('all are heard', () => heard.length === large.length + 1);
    assert.deepEqual(heard, [...large, 'last']);
  });

  it('is read a message at a time by whoever would rather', async () => {
    near.post(1);
    near.post({ text: 'x'.repeat(200_000) });
    await until('both are there', () => {
      const message = far.take();
      if (message !== undefined) heard.push(message);
      return heard.length === 2;
    });
    assert.deepEqual(heard, [1, { text: 'x'.repeat(200_000) }]);
    assert.equal(far.take(), undefined);
  });

  it('loses what is said when the other end is closed, and says nothing of it', async () => {
    far.close();
    near.post('nobody hears this');
    near.onMessage((message) => { heard.push(message); });
    near.post({ text: 'x'.repeat(200_000) });
    near.close();
    near.post('nor this');
    assert.equal(near.take(), undefined);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(heard, []);
  });
});
