import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { arpClaims, arpProbe, decodeArp, encodeArp } from '../../../src/wire/arp.ts';
import { dadSolicitation, decodeNeighbour, unsolicitedAdvertisement } from '../../../src/wire/ndp.ts';
import { Announcer } from '../../../src/announce/announcer.ts';
import type { AnnouncerPorts, Link, ReceivedFrame } from '../../../src/announce/ports.ts';
import type { AnnounceSettings } from '../../../src/announce/types.ts';
import { burst, client, eth0, FakeClock, stranger } from './fakes.ts';

/**
 * A kernel that watches: every frame that leaves must be of an address that is held, bound if it
 * should be, before the gate closes, from the link's present MAC; or a probe.
 */
class Watch {
  readonly clock = new FakeClock();
  readonly held = new Set<string>();
  readonly managed = new Set<string>();
  readonly bound = new Map<string, number>();
  /** Interfaces that the fence is on. */
  guarded: ReadonlySet<number> = new Set();
  readonly sockets = new Map<string, (frames: readonly ReceivedFrame[]) => void>();
  settings: ReadonlyMap<string, AnnounceSettings> = new Map();
  /** What the test told the announcer to announce. */
  readonly entitled = new Set<string>();
  until = 0;
  claims = 0;
  /** What must not be. Not thrown: the announcer survives what its ports throw. */
  readonly violations: string[] = [];
  /** Whether calls fail now. */
  faults = new Set<string>();

  readonly ports: AnnouncerPorts = {
    now: this.clock.now,
    setTimer: this.clock.setTimer,
    sockets: {
      open: (link, family, onFrames) => {
        this.#mayFail('open');
        const key = `${family} ${link.ifindex}`;
        this.sockets.set(key, onFrames);
        return {
          send: (frames) => frames.map((frame) => {
            this.#check(link, family, frame);
            return this.faults.has('send') ? 'no-buffer' : null;
          }),
          close: () => {
            if (this.sockets.get(key) === onFrames) this.sockets.delete(key);
          },
        };
      },
    },
    fence: {
      kind: 'egress',
      manage: (addresses, guarded) => {
        this.#mayFail('manage');
        this.guarded = new Set(guarded.map(({ ifindex }) => ifindex));
        for (const eip of this.bound.keys()) {
          this.#must(addresses.has(eip), `${eip} is bound and not managed`);
        }
        this.managed.clear();
        for (const eip of addresses) this.managed.add(eip);
        for (const eip of this.held) if (!addresses.has(eip)) this.held.delete(eip);
      },
      hold: (add, remove) => {
        this.#mayFail('hold');
        for (const eip of add) {
          this.#must(this.managed.has(eip), `${eip} is held and not managed`);
          this.held.add(eip);
        }
        for (const eip of remove) this.held.delete(eip);
      },
      arm: (until) => {
        // A gate that cannot be closed is no excuse.
        this.until = Math.min(this.until, until);
        this.#mayFail('arm');
        this.until = until;
      },
      dropped: () => ({ kernel: 0, agent: 0 }),
      remove: () => {
        this.#must(this.bound.size === 0, 'the fence goes while something is bound');
      },
    },
    binder: {
      bind: (bindings) => bindings.map(({ eip, link }) => {
        this.#must(this.held.has(eip), `${eip} is bound before the fence is open`);
        if (this.faults.has('bind')) return 'no room';
        this.bound.set(eip, link.ifindex);
        return null;
      }),
      unbind: (bindings) => {
        this.#mayFail('unbind');
        for (const { eip, link } of bindings) {
          if (this.bound.get(eip) === link.ifindex) this.bound.delete(eip);
        }
      },
      leftovers: () => [],
      refresh: () => undefined,
    },
    groups: {
      join: () => {
        this.#mayFail('join');
      },
      leave: () => {
        this.#mayFail('join');
      },
    },
  };

  #mayFail(call: string): void {
    if (this.faults.has(call)) throw new Error(call);
  }

  #check(link: Link, family: 'arp' | 'ndp', frame: Uint8Array): void {
    const [eip, mac, probe] = family === 'arp' ? claimOfArp(frame) : claimOfNdp(frame);
    const settings = this.settings.get(eip);
    this.#must(this.entitled.has(eip), `${eip} was withdrawn, or never announced`);
    this.#must(this.clock.at < this.until, `${eip} leaves although the gate is closed`);
    this.#must(link.ifindex === settings?.link.ifindex, `${eip} leaves by another link`);
    this.#must(mac === settings?.link.mac, `${eip} leaves from ${mac}`);
    if (probe) return;
    this.claims += 1;
    this.#must(this.held.has(eip), `${eip} is claimed before the fence is open`);
    this.#must(this.guarded.has(link.ifindex), `${eip} is claimed where there is no fence`);
    const bound = settings?.mode === 'respond' || this.bound.get(eip) === link.ifindex;
    this.#must(bound, `${eip} is claimed and not bound`);
  }

  #must(holds: boolean, otherwise: string): void {
    if (!holds) this.violations.push(otherwise);
  }
}

function claimOfArp(frame: Uint8Array): [string, string, boolean] {
  const arp = decodeArp(frame);
  assert.ok(!('drop' in arp));
  const probe = arp.senderAddress === '0.0.0.0';
  return [probe ? arp.targetAddress : arp.senderAddress, arp.senderMac, probe];
}

function claimOfNdp(frame: Uint8Array): [string, string, boolean] {
  const nd = decodeNeighbour(frame);
  assert.ok(!('drop' in nd));
  return [nd.target, nd.ethernet.source, nd.kind === 'solicitation'];
}

const eips = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '2001:db8::1', '2001:db8::2'];
const some = fc.subarray(eips);
const links: readonly Link[] = [
  eth0, { ...eth0, up: false }, { ...eth0, mac: '02:00:00:00:00:77' },
  { ...eth0, ifindex: 9, name: 'eth1' },
];

type Step =
  | { op: 'configure'; eips: string[]; link: number; mode: 'bind' | 'respond' }
  | { op: 'announce'; eips: string[]; term: number; probe: boolean }
  | { op: 'withdraw'; eips: string[]; linger: boolean }
  | { op: 'arm'; ms: number }
  | { op: 'advance' | 'sleep'; ms: number }
  | { op: 'receive'; eip: string; what: number }
  | { op: 'faults'; faults: string[] };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    op: fc.constant('configure' as const), eips: some, link: fc.nat(links.length - 1),
    mode: fc.constantFrom('bind' as const, 'respond' as const),
  }),
  { weight: 3, arbitrary: fc.record({
    op: fc.constant('announce' as const), eips: some, term: fc.nat(3), probe: fc.boolean(),
  }) },
  { weight: 2, arbitrary: fc.record({
    op: fc.constant('withdraw' as const), eips: some, linger: fc.boolean(),
  }) },
  { weight: 2, arbitrary: fc.record({
    op: fc.constant('arm' as const), ms: fc.constantFrom(0, 1, 50, 1_000, 100_000, 100_000, 100_000),
  }) },
  { weight: 3, arbitrary: fc.record({
    op: fc.constantFrom('advance' as const, 'sleep' as const),
    ms: fc.constantFrom(0, 1, 3, 50, 400, 2_000, 40_000),
  }) },
  { weight: 2, arbitrary: fc.record({
    op: fc.constant('receive' as const), eip: fc.constantFrom(...eips), what: fc.nat(2),
  }) },
  fc.record({
    op: fc.constant('faults' as const),
    faults: fc.subarray(['open', 'manage', 'hold', 'arm', 'bind', 'unbind', 'join', 'send']),
  }),
);

function frameOf(eip: string, what: number): Uint8Array {
  if (eip.includes(':')) {
    return what === 0
      ? unsolicitedAdvertisement(stranger, eip)
      : dadSolicitation(what === 1 ? stranger : client, eip);
  }
  if (what < 2) return what === 0 ? arpClaims(stranger, eip)[1] : arpProbe(stranger, eip);
  return encodeArp({ destination: 'ff:ff:ff:ff:ff:ff', source: client }, {
    operation: 'request', senderMac: client, senderAddress: '192.0.2.200',
    targetMac: '00:00:00:00:00:00', targetAddress: eip,
  });
}

function run(watch: Watch, announcer: Announcer, one: Step): void {
  const { clock, entitled } = watch;
  switch (one.op) {
    case 'configure': {
      const link = links[one.link] ?? eth0;
      watch.settings = new Map(one.eips.map((eip) => [eip, { eip, link, mode: one.mode, burst }]));
      for (const eip of entitled) if (!watch.settings.has(eip)) entitled.delete(eip);
      // The kernel takes IPv6 addresses off an interface that goes down.
      if (!link.up) for (const eip of watch.bound.keys()) if (eip.includes(':')) watch.bound.delete(eip);
      announcer.configure(watch.settings);
      return;
    }
    case 'announce':
      for (const eip of one.eips) if (watch.settings.has(eip)) entitled.add(eip);
      announcer.announce(one.eips.map((eip) => ({ eip, term: one.term, probe: one.probe })));
      return;
    case 'withdraw':
      for (const eip of one.eips) entitled.delete(eip);
      announcer.withdraw(one.eips, one.linger);
      return;
    case 'arm': announcer.arm(one.ms === 0 ? 0 : clock.at + one.ms); return;
    case 'advance': clock.advance(one.ms); return;
    case 'sleep': clock.sleep(one.ms); return;
    case 'receive': {
      const family = one.eip.includes(':') ? 'ndp' : 'arp';
      for (const { ifindex } of links) {
        watch.sockets.get(`${family} ${ifindex}`)?.([{ bytes: frameOf(one.eip, one.what), at: 0 }]);
      }
      return;
    }
    case 'faults': watch.faults = new Set(one.faults);
  }
}

describe('Whatever happens in whatever order', () => {
  it('nothing leaves that is not announced, held, bound and before the gate closes', () => {
    let claims = 0;
    fc.assert(fc.property(fc.array(step, { minLength: 5, maxLength: 150, size: 'max' }), (steps) => {
      const watch = new Watch();
      const announcer = new Announcer({ onEvent: () => undefined, random: () => 0.5 }, watch.ports);
      run(watch, announcer, { op: 'configure', eips: [...eips], link: 0, mode: 'bind' });
      for (const one of steps) run(watch, announcer, one);
      assert.deepEqual(watch.violations, []);

      // And in the end, when nothing fails any more, all that is announced is claimed.
      watch.faults.clear();
      run(watch, announcer, { op: 'configure', eips: [...eips], link: 0, mode: 'bind' });
      run(watch, announcer, { op: 'arm', ms: 1_000_000 });
      watch.clock.advance(20_000);
      for (const eip of watch.entitled) assert.ok(watch.held.has(eip), `${eip} is never claimed`);
      watch.clock.advance(20_000);
      assert.deepEqual([...watch.held].sort(), [...watch.entitled].sort());
      assert.deepEqual([...watch.bound.keys()].sort(), [...watch.entitled].sort());
      announcer.close();
      assert.deepEqual([watch.held.size, watch.bound.size, watch.clock.timers], [0, 0, 0]);
      assert.deepEqual(watch.violations, []);
      claims += watch.claims;
    }), { numRuns: 200 });
    assert.ok(claims > 1_000, 'the runs claimed next to nothing');
  });
});
