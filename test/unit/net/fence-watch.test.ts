import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { RepairPacer, watchTables } from '../../../src/net/fence-watch.ts';
import {
  attribute, be32, decodeMessages, encodeMessage, littleEndian, text, viewOf, type NetlinkMessage,
} from '../../../src/net/netlink-message.ts';
import { deleteTable, flushSet, type TableRef } from '../../../src/net/nftables/messages.ts';

const ours: TableRef = { family: 'netdev', name: 'tenure' };
const ownPort = 4711;

/** An event: a request as the kernel passes it on, with the port of who made it. */
function event(request: Uint8Array, port: number): NetlinkMessage {
  const bytes = request.slice();
  viewOf(bytes).setUint32(12, port, littleEndian);
  return decodeMessages(bytes)[0]!;
}

/** NFT_MSG_NEWGEN. */
function end(id: number, port: number, name = 'nft', pid = 77): NetlinkMessage {
  const attributes = [attribute(1, be32(id)), attribute(2, be32(pid)), attribute(3, text(name))];
  return event(encodeMessage(0x0a0f, 0, new Uint8Array(4), ...attributes), port);
}

interface Watch {
  told: (readonly [who: string, id: number | null])[];
  deliver: (messages: readonly NetlinkMessage[]) => void;
  overrun: () => void;
}

function watch(): Watch {
  const made: Watch = { told: [], deliver: () => undefined, overrun: () => undefined };
  const events = {
    subscribe: (onMessages: Watch['deliver'], onOverrun: () => void) => {
      made.deliver = onMessages;
      made.overrun = onOverrun;
    },
    unref: () => undefined,
    close: () => undefined,
  };
  watchTables(events, {
    tables: [ours], ownPort, onForeignChange: (who, id) => { made.told.push([who, id]); },
  });
  return made;
}

describe('the watch over the fence', () => {
  it("tells of another's change to its table, and by whom and when it was made", () => {
    const { told, deliver } = watch();
    deliver([event(flushSet(ours, 'held4'), 5), event(flushSet(ours, 'held6'), 5), end(12, 5)]);
    assert.deepEqual(told, [['nft (process 77)', 12]]);
  });

  it('hears the end of a transaction also in a later call', () => {
    const { told, deliver } = watch();
    deliver([event(deleteTable(ours), 5)]);
    deliver([end(13, 5)]);
    assert.deepEqual(told, [['nft (process 77)', 13]]);
  });

  it("says nothing of the agent's own changes, nor of those to other tables", () => {
    const { told, deliver } = watch();
    deliver([event(flushSet(ours, 'gate'), ownPort), end(14, ownPort, 'node')]);
    deliver([event(deleteTable({ family: 'inet', name: 'tenure' }), 5), end(15, 5)]);
    deliver([event(deleteTable({ family: 'netdev', name: 'other' }), 5), end(16, 5)]);
    assert.deepEqual(told, []);
  });

  it('takes a gap in what it hears for a change', () => {
    const { told, overrun } = watch();
    overrun();
    assert.equal(told.length, 1);
    assert.equal(told[0]?.[1], null);
  });
});

describe('repairs of the fence', () => {
  it('come at once, and after ten in a row one each second', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    let repairs = 0;
    const pacer = new RepairPacer(() => { repairs += 1; });
    for (let i = 0; i < 30; i += 1) pacer.request('someone');
    assert.equal(repairs, 10);
    context.mock.timers.tick(1000);
    assert.equal(repairs, 11);
    pacer.request('someone');
    pacer.request('someone');
    context.mock.timers.tick(1000);
    assert.equal(repairs, 12);
    pacer.requestLater('someone');
    pacer.stop();
    context.mock.timers.tick(5000);
    assert.equal(repairs, 12);
  });
});
