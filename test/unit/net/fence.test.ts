import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { FenceError } from '../../../src/net/fence-error.ts';
import { detectFence } from '../../../src/net/fence-kernel.ts';
import { KernelFence } from '../../../src/net/fence.ts';
import {
  attribute, be32, decodeMessages, encodeMessage, type NetlinkMessage,
} from '../../../src/net/netlink-message.ts';
import { NetlinkError } from '../../../src/net/netlink-socket.ts';

const errnos = { ENOENT: 2, EPERM: 1, EOPNOTSUPP: 95, ENOMEM: 12 } as const;
const newGeneration = 0x0a0f;
const getGeneration = 0x0a10;
const newTable = 0x0a00;
const newElements = 0x0a0c;
const links = [{ ifindex: 2, name: 'eth0' }];
const addresses = new Set(['10.0.0.5', 'fd00::5']);

type Refuse = (types: readonly number[]) => keyof typeof errnos | null;

/** A kernel that says yes, or what it is told to say; and a clock that is told the time. */
class Kernel {
  readonly transactions: number[][] = [];
  refuse: Refuse = () => null;
  now = 1_000_000;
  onForeignChange: () => void = () => undefined;
  readonly repaired: string[] = [];
  readonly broken: unknown[] = [];
  closed = 0;

  transact(bytes: Uint8Array): NetlinkMessage[] {
    const types = decodeMessages(bytes).map(({ type }) => type);
    if (types[0] === getGeneration) {
      const number = attribute(1, be32(7));
      return decodeMessages(encodeMessage(newGeneration, 0, new Uint8Array(4), number));
    }
    const code = this.refuse(types);
    if (code !== null) throw new NetlinkError(errnos[code]);
    this.transactions.push(types);
    return [];
  }

  dump(): NetlinkMessage[] {
    return [];
  }

  fence(): KernelFence {
    const close = (): void => { this.closed += 1; };
    const events = {
      subscribe: (_: unknown, onOverrun: () => void) => { this.onForeignChange = onOverrun; },
      unref: () => undefined, close,
    };
    const netlink = {
      transact: (bytes: Uint8Array) => this.transact(bytes), dump: () => this.dump(), close,
    };
    const clock = { real: () => 1_700_000_000_000 + this.now, boot: () => this.now };
    return new KernelFence({ kind: 'egress', reason: null }, {
      mark: 1, onRepaired: (words) => { this.repaired.push(words); },
      onBroken: (error) => { this.broken.push(error); },
    }, { netlink, events, clock });
  }
}

function refused(code: string): (error: unknown) => boolean {
  return (error) => error instanceof FenceError && error.code === code;
}

const installs = (types: readonly number[]): boolean => types.includes(newTable);
const opens = (types: readonly number[] = []): boolean => types.includes(newElements);

describe('the fence', () => {
  it('is one transaction when it is made, and none when nothing changes', () => {
    const kernel = new Kernel();
    const fence = kernel.fence();
    fence.manage(addresses, links);
    fence.manage(new Set(addresses), [...links]);
    fence.hold([], ['10.0.0.5']);
    assert.equal(kernel.transactions.length, 1);
    fence.hold(['10.0.0.5', 'fd00::5'], []);
    fence.hold(['10.0.0.5'], []);
    assert.equal(kernel.transactions.length, 2);
  });

  it('keeps a time that it is armed with before it is made, and opens by it', () => {
    const kernel = new Kernel();
    const fence = kernel.fence();
    fence.arm(kernel.now + 500);
    assert.deepEqual(kernel.transactions, []);
    fence.manage(new Set(), links);
    assert.ok(opens(kernel.transactions[0]));
  });

  it('stays shut for a time that is over, or nearly', () => {
    const kernel = new Kernel();
    const fence = kernel.fence();
    fence.manage(new Set(), links);
    for (const ms of [0.5, 0, -7, 1, 500]) {
      fence.arm(kernel.now + ms);
      assert.equal(opens(kernel.transactions.at(-1)), ms >= 1, `${ms} ms`);
    }
  });

  it('makes its tables anew when the kernel refuses a change, and says so', () => {
    const kernel = new Kernel();
    const fence = kernel.fence();
    fence.manage(addresses, links);
    kernel.refuse = (types) => (installs(types) ? null : 'ENOENT');
    fence.arm(kernel.now + 500);
    fence.hold(['10.0.0.5'], []);
    assert.equal(kernel.transactions.filter(installs).length, 3);
    assert.equal(kernel.repaired.length, 2);
    assert.match(kernel.repaired[0] ?? '', /ENOENT/);
  });

  it('throws when it cannot be changed, and then stands as it stood', () => {
    const kernel = new Kernel();
    const fence = kernel.fence();
    fence.manage(addresses, links);
    kernel.refuse = () => 'ENOMEM';
    assert.throws(() => fence.arm(kernel.now + 500), refused('ENOMEM'));
    assert.throws(() => fence.hold(['10.0.0.5'], []), refused('ENOMEM'));
    assert.throws(() => fence.manage(new Set(['10.0.0.6']), links), refused('ENOMEM'));
    kernel.refuse = () => null;
    const before = kernel.transactions.length;
    fence.manage(addresses, links);
    fence.hold([], ['10.0.0.5']);
    assert.equal(kernel.transactions.length, before, 'nothing had changed');
    assert.throws(() => fence.hold(['10.0.0.6'], []), refused('not-managed'));
  });

  it('is not opened by a repair after an arming that failed', () => {
    const kernel = new Kernel();
    const fence = kernel.fence();
    fence.manage(new Set(), links);
    kernel.refuse = () => 'ENOMEM';
    assert.throws(() => fence.arm(kernel.now + 500), refused('ENOMEM'));
    kernel.refuse = () => null;
    kernel.onForeignChange();
    assert.ok(installs(kernel.transactions.at(-1) ?? []));
    assert.ok(!opens(kernel.transactions.at(-1)));
  });

  it('says when it cannot be repaired, and tries again', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const kernel = new Kernel();
    const fence = kernel.fence();
    fence.manage(addresses, links);
    kernel.refuse = () => 'ENOMEM';
    kernel.onForeignChange();
    assert.equal(kernel.broken.length, 1);
    kernel.refuse = () => null;
    context.mock.timers.tick(1000);
    assert.equal(kernel.repaired.length, 1);
    fence.dispose();
  });

  it('says what to do when it lacks privileges', () => {
    const kernel = new Kernel();
    const fence = kernel.fence();
    kernel.refuse = () => 'EPERM';
    assert.throws(() => fence.manage(addresses, links), (error) => (
      error instanceof FenceError && error.code === 'EPERM' && error.message.includes('CAP_NET_ADMIN')));
  });

  it('ends when it is removed, once', () => {
    const kernel = new Kernel();
    const fence = kernel.fence();
    fence.manage(addresses, links);
    fence.remove();
    fence.remove();
    assert.equal(kernel.closed, 2);
    assert.throws(() => fence.arm(5), refused('removed'));
    assert.deepEqual(fence.dropped(), { kernel: 0, agent: 0 });
  });

  it('refuses a mark that is none', () => {
    const modules = { netlink: new Kernel() as never, events: {} as never, clock: {} as never };
    const options = { onRepaired: () => undefined, onBroken: () => undefined };
    for (const mark of [0, -1, 1.5, 2 ** 32, Number.NaN]) {
      assert.throws(
        () => new KernelFence({ kind: 'egress', reason: null }, { ...options, mark }, modules),
        refused('bad-input'),
      );
    }
  });
});

describe('the kind of fence', () => {
  const kindOf = (refuse: Refuse, only?: 'egress' | 'arp'): unknown => {
    const kernel = new Kernel();
    kernel.refuse = refuse;
    return detectFence({
      transact: (bytes) => kernel.transact(bytes), dump: () => [], close: () => undefined,
    }, only);
  };
  /** The egress trial has one table made, the fallback's has two. */
  const isEgress = (types: readonly number[]): boolean => (
    types.filter((type) => type === newTable).length === 2);

  it('is the kernel hook where there is one', () => {
    assert.deepEqual(kindOf(() => null), { kind: 'egress', reason: null });
  });

  it('is the fallback where there is none, and says what the kernel said', () => {
    assert.deepEqual(kindOf((types) => (isEgress(types) ? 'EOPNOTSUPP' : null)), {
      kind: 'arp', reason: 'netdev egress: EOPNOTSUPP',
    });
  });

  it('is the fallback where that is asked for', () => {
    assert.deepEqual(kindOf(() => null, 'arp'), { kind: 'arp', reason: 'asked for' });
  });

  it('is none where the kernel has neither, or where it may not be asked', () => {
    assert.throws(() => kindOf(() => 'EOPNOTSUPP'), refused('EOPNOTSUPP'));
    assert.throws(() => kindOf((types) => (isEgress(types) ? 'EOPNOTSUPP' : null), 'egress'), refused('EOPNOTSUPP'));
    assert.throws(() => kindOf(() => 'EPERM'), refused('EPERM'));
  });
});
