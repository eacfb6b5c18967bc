/** Eips from the files of a directory, read again when they change. */
import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { EipsDirectory, readEipsDirectory } from '../../../src/agent/vip/eips-directory.ts';

const manifest = (name: string, address: string, annotations = '') =>
  `apiVersion: network.kubesphere.io/v1alpha2
kind: Eip
metadata: {name: ${name}${annotations}}
spec: {address: ${address}, interface: eth0, protocol: vip}
`;

describe('the directory of Eips', () => {
  let dir: string;
  beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'tenure-eips-')); });
  afterEach(() => { rmSync(dir, { recursive: true, force: true }); });

  const later = Date.now() + 60_000;

  it('is not read again while nothing changes', () => {
    writeFileSync(join(dir, 'a.yaml'), manifest('a', '192.0.2.1'));
    const eips = new EipsDirectory(dir);
    assert.equal(eips.look(later)?.documents.length, 1);
    assert.equal(eips.look(later), null);
  });

  it('is read again when a file is written, replaced, added or taken away', () => {
    writeFileSync(join(dir, 'a.yaml'), manifest('a', '192.0.2.1'));
    const eips = new EipsDirectory(dir);
    const addresses = () => eips.look(later)?.documents.map(({ address }) => address) ?? null;
    assert.deepEqual(addresses(), ['192.0.2.1']);
    writeFileSync(join(dir, 'a.yaml'), manifest('a', '192.0.2.22'));
    assert.deepEqual(addresses(), ['192.0.2.22']);
    writeFileSync(join(dir, '.next'), manifest('a', '192.0.2.33'));
    renameSync(join(dir, '.next'), join(dir, 'a.yaml'));
    assert.deepEqual(addresses(), ['192.0.2.33']);
    writeFileSync(join(dir, 'b.yml'), manifest('b', '192.0.2.2'));
    assert.deepEqual(addresses(), ['192.0.2.33', '192.0.2.2']);
    rmSync(join(dir, 'a.yaml'));
    assert.deepEqual(addresses(), ['192.0.2.2']);
    assert.equal(addresses(), null);
  });

  it('is read again while a file is as new as the clock of files can tell', () => {
    const file = join(dir, 'a.yaml');
    writeFileSync(file, manifest('a', '192.0.2.1'));
    const eips = new EipsDirectory(dir);
    eips.look();
    const read = eips.look();
    assert.equal(read?.documents.length, 1);
    utimesSync(file, 1, 1);
    assert.notEqual(eips.look(later), null);
    assert.equal(eips.look(later), null);
  });

  it('says what is wrong: a missing directory, a lease where there is no store', () => {
    const missing = new EipsDirectory(join(dir, 'nowhere'));
    assert.match(missing.look(later)?.problems[0] ?? '', /^eips\.directory: ENOENT/);
    assert.equal(missing.look(later), null);
    writeFileSync(join(dir, 'a.yaml'),
      manifest('a', '192.0.2.1', ', annotations: {tenure.io/referee: lease}'));
    assert.match(readEipsDirectory(dir).problems[0] ?? '',
      /a\.yaml:1: metadata\.annotations\[tenure\.io\/referee\]: "lease" needs a store/);
  });
});
