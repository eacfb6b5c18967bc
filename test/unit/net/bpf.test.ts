import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { arpProbe } from '../../../src/wire/arp.ts';
import { dadSolicitation, unsolicitedAdvertisement } from '../../../src/wire/ndp.ts';
import { arpFilter, assemble, neighbourFilter } from '../../../src/net/bpf.ts';
import { littleEndian } from '../../../src/net/netlink-message.ts';

const mac = '02:00:00:00:00:01';

/** What the kernel knows of a frame besides its bytes. */
interface Ancillary {
  readonly ifindex?: number;
  readonly type?: number;
  readonly vlan?: number;
}

/** The four instructions that the filters are made of (linux/filter.h); the bytes kept. */
function run(program: Uint8Array, frame: Uint8Array, about: Ancillary = {}): number {
  const code = new DataView(program.buffer, program.byteOffset, program.length);
  const bytes = new DataView(frame.buffer, frame.byteOffset, frame.length);
  let accumulator = 0;
  for (let pc = 0; pc * 8 < program.length; pc++) {
    const k = code.getUint32(pc * 8 + 4, littleEndian);
    switch (code.getUint16(pc * 8, littleEndian)) {
      case 0x20: case 0x28: case 0x30: {
        const size = { 0x20: 4, 0x28: 2, 0x30: 1 }[code.getUint16(pc * 8, littleEndian)]!;
        if (k === 0xfffff004) accumulator = about.type ?? 0;
        else if (k === 0xfffff008) accumulator = about.ifindex ?? 7;
        else if (k === 0xfffff030) accumulator = about.vlan ?? 0;
        else if (k + size > frame.length) return 0;
        else if (size === 1) accumulator = bytes.getUint8(k);
        else accumulator = size === 2 ? bytes.getUint16(k) : bytes.getUint32(k);
        break;
      }
      case 0x15:
        pc += accumulator === k ? code.getUint8(pc * 8 + 2) : code.getUint8(pc * 8 + 3);
        break;
      case 0x06: return k;
      default: assert.fail('an instruction that is not expected');
    }
  }
  return assert.fail('the program ran over its end');
}

describe('the ARP filter', () => {
  const filter = arpFilter(7);
  const frame = arpProbe(mac, '192.0.2.1');

  it('lets ARP through, and nothing else', () => {
    assert.ok(run(filter, frame) >= frame.length);
    assert.equal(run(filter, dadSolicitation(mac, '2001:db8::1')), 0);
    assert.equal(run(filter, frame.subarray(0, 13)), 0);
  });

  it('drops what is for another interface, another host, or from this one', () => {
    assert.equal(run(filter, frame, { ifindex: 8 }), 0);
    assert.equal(run(filter, frame, { type: 3 }), 0);
    assert.equal(run(filter, frame, { type: 4 }), 0);
    assert.ok(run(filter, frame, { type: 1 }) > 0);
  });

  it('drops what came with a VLAN tag', () => {
    assert.equal(run(filter, frame, { vlan: 1 }), 0);
  });
});

describe('the neighbour discovery filter', () => {
  const filter = neighbourFilter(7);
  const solicitation = dadSolicitation(mac, '2001:db8::1');

  it('lets solicitations and advertisements through', () => {
    assert.ok(run(filter, solicitation) > 0);
    assert.ok(run(filter, unsolicitedAdvertisement(mac, '2001:db8::1')) > 0);
  });

  it('drops other ICMPv6, other protocols, and what was routed here', () => {
    for (const [at, value] of [[54, 134], [54, 128], [20, 17], [21, 254]] as const) {
      const other = solicitation.slice();
      other[at] = value;
      assert.equal(run(filter, other), 0, `byte ${at} = ${value}`);
    }
    assert.equal(run(filter, arpProbe(mac, '192.0.2.1')), 0);
    assert.equal(run(filter, solicitation.subarray(0, 54)), 0);
  });
});

describe('the assembler', () => {
  it('makes a program that keeps everything of no conditions', () => {
    assert.equal(run(assemble([]), new Uint8Array(60)), 0x40000);
  });

  it('refuses a condition without values, and programs that jumps cannot span', () => {
    assert.throws(() => assemble([{ at: 0, size: 1, is: [] }]), RangeError);
    const many = Array.from({ length: 300 }, (_, value) => value);
    assert.throws(() => assemble([{ at: 0, size: 2, is: many }]), RangeError);
  });
});
