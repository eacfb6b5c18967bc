import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { readMachine } from '../../../src/agent/machine.ts';

const made: string[] = [];

afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true });
});

/** A file system with these files alone. */
function withFiles(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'tenure-machine-'));
  made.push(root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), `${text}\n`);
  }
  return root;
}

function card(name: string, address: string, assigned = '0'): Record<string, string> {
  const link = `sys/class/net/${name}`;
  return {
    [`${link}/device/vendor`]: '0x8086', [`${link}/address`]: address,
    [`${link}/addr_assign_type`]: assigned,
  };
}

const kernel = { 'proc/sys/kernel/random/boot_id': 'boot-1' };
const two = { ...card('eth0', '02:00:00:00:00:01'), ...card('eth1', '02:00:00:00:00:02') };

function idOf(files: Readonly<Record<string, string>>): string | undefined {
  return readMachine([], withFiles({ ...kernel, ...files }))?.id;
}

describe('which machine this is', () => {
  it('is the same after a restart, whatever the cards are called then; its kernel is another', () => {
    const before = readMachine([], withFiles({ ...kernel, ...two }));
    const after = readMachine([], withFiles({
      'proc/sys/kernel/random/boot_id': 'boot-2',
      ...card('ens5', '02:00:00:00:00:02'), ...card('ens6', '02:00:00:00:00:01'),
    }));
    assert.ok(before !== undefined && after !== undefined);
    assert.equal(after.id, before.id);
    assert.deepEqual([before.kernel, after.kernel], ['boot-1', 'boot-2']);
  });

  it('is another with another card, or where a copy has got an identity of its own', () => {
    const ids = new Set([
      idOf(two), idOf(card('eth0', '02:00:00:00:00:01')),
      idOf({ ...two, 'etc/machine-id': 'a' }), idOf({ ...two, 'etc/machine-id': 'b' }),
      idOf({ ...two, 'sys/class/dmi/id/product_uuid': 'a' }),
    ]);
    assert.equal(ids.size, 5);
    assert.ok(!ids.has(undefined));
  });

  it('does not depend on what comes and goes: bridges, virtual functions, addresses that are not burnt in', () => {
    assert.equal(idOf({
      ...two, ...card('bond0', '02:00:00:00:00:01', '3'), ...card('eth2', '02:00:00:00:00:09', '1'),
      ...card('eth3', '02:00:00:00:00:0a'), 'sys/class/net/eth3/device/physfn/vendor': '0x8086',
      'sys/class/net/br0/address': '02:00:00:00:00:0b', 'sys/class/net/br0/addr_assign_type': '0',
    }), idOf(two));
  });

  it('is the same whether its cards are ports of a bond, and go by its address, or not', () => {
    const links = [
      { name: 'eth0', permanentMac: '02:00:00:00:00:01' }, { name: 'eth1', permanentMac: '02:00:00:00:00:02' },
      { name: 'gre0', permanentMac: '02:00:00:00:00:03' },
    ];
    const bonded = withFiles({
      ...kernel, ...card('eth0', '02:00:00:00:00:01', '3'), ...card('eth1', '02:00:00:00:00:01', '3'),
    });
    assert.equal(readMachine(links, bonded)?.id, idOf(two));
    assert.equal(readMachine([], bonded), undefined, 'the kernel does not tell');
  });

  it('is not known without a card, or with one that has no address', () => {
    assert.equal(idOf({ 'etc/machine-id': 'a', 'sys/class/dmi/id/product_uuid': 'a' }), undefined);
    assert.equal(idOf(card('eth0', '00:00:00:00:00:00')), undefined);
    assert.equal(readMachine([], withFiles(two)), undefined, 'no boot_id');
  });

  it('tells nobody the identity that the system keeps to itself', () => {
    const id = idOf({ ...two, 'etc/machine-id': 'b7e6a0' }) ?? '';
    assert.match(id, /^[0-9a-f]{32}$/);
    assert.ok(!id.includes('b7e6a0'));
  });
});
