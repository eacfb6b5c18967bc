import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseEipDocuments } from '../../../src/config/eip-document.ts';
import type { EipDocument } from '../../../src/config/eip-document.ts';
import { formatProblem } from '../../../src/config/problem.ts';
import { formatSelector } from '../../../src/config/selector.ts';
import { manifest } from './eips.ts';
import type { ManifestParts } from './eips.ts';

function one(text: string): EipDocument {
  const { documents, problems } = parseEipDocuments('eips.yaml', text);
  assert.deepEqual(problems.map(formatProblem), []);
  assert.equal(documents.length, 1);
  return documents[0]!;
}

function problems(text: string): string[] {
  const parsed = parseEipDocuments('eips.yaml', text);
  assert.ok(parsed.problems.length > 0, 'nothing was refused');
  return parsed.problems.map(formatProblem);
}

function problem(parts: ManifestParts): string {
  const found = problems(manifest(parts));
  assert.equal(found.length, 1, found.join('\n'));
  return found[0]!;
}

describe('an Eip manifest', () => {
  it('gives name, addresses, interface and settings', () => {
    const eip = one(manifest({
      address: '192.0.2.10-192.0.2.19',
      annotations: {
        'tenure.io/announce': 'respond', 'tenure.io/node-selector': 'rack=r1,!gpu',
        'tenure.io/failback': '5m', 'tenure.io/burst': 'count=9', 'tenure.io/force-subnet': 'true',
        'example.com/other': 'x',
      },
      more: ['priority: 7', 'disable: true'],
    }));
    assert.equal(eip.name, 'web');
    assert.equal(eip.source, 'eips.yaml:1');
    assert.equal(eip.block.size, 10n);
    assert.deepEqual(eip.interface, { kind: 'name', name: 'eth0' });
    assert.equal(eip.priority, 7);
    assert.equal(eip.disabled, true);
    const { announce, selector, failbackMs, burst, forceSubnet } = eip.settings;
    assert.deepEqual({ announce, failbackMs, forceSubnet }, { announce: 'respond', failbackMs: 300_000, forceSubnet: true });
    assert.equal(formatSelector(selector ?? []), 'rack=r1,!gpu');
    assert.deepEqual(burst, { count: 9 });
  });

  it('reads one address, a block masked to its base, a range, IPv4 and IPv6', () => {
    const sizes: Record<string, bigint> = {
      '192.0.2.10': 1n, '192.0.2.77/24': 256n, '192.0.2.1-192.0.2.3': 3n, '10.0.0.0/16': 65_536n,
      '2001:db8::1': 1n, '2001:db8::/112': 65_536n, '2001:db8::1-2001:db8::ff': 255n,
    };
    for (const [address, size] of Object.entries(sizes)) {
      assert.equal(one(manifest({ address })).block.size, size, address);
    }
  });

  it('warns where a block is written as if it were one address', () => {
    const { notes } = parseEipDocuments('e', manifest({ address: '192.0.2.77/24' }));
    assert.deepEqual(notes.map(formatProblem), ['e:6: spec.address: "192.0.2.77/24" is the whole block 192.0.2.0 to 192.0.2.255, 256 addresses; for the one address write 192.0.2.77.']);
    assert.deepEqual(parseEipDocuments('e', manifest({ address: '192.0.2.0/24' })).notes, []);
  });

  it('refuses every address that no host can claim, by name', () => {
    const cases: Record<string, RegExp> = {
      '192.0.2.1%eth0': /zone id/, 'fe80::1%eth0': /zone id/, '0.0.0.0': /this network/, '::': /unspecified/,
      '127.0.0.1': /loopback/, '::1': /loopback/, '224.0.0.5': /multicast/, 'ff02::1': /multicast/,
      '255.255.255.255': /broadcast/, '169.254.0.9': /link-local/, 'fe80::1': /link-local/,
      '::ffff:192.0.2.1': /IPv4 in IPv6/, '192.0.2.9-192.0.2.1': /ends before it begins: write 192.0.2.1-192.0.2.9/,
      '192.0.2.1-2001:db8::1': /mixes IPv4 and IPv6/, ' 192.0.2.1': /white space/, '192.0.2.1 - 192.0.2.2': /white space/,
      '192.0.2.0/255.255.255.0': /netmask: write 192.0.2.0\/24/, '10.0.0.0/15': /131072 addresses.*at most 65536/,
      '2001:db8::/64': /18446744073709551616 addresses/, '126.255.255.255-128.0.0.1': /loopback/, '': /empty/,
      '192.0.2.300': /four numbers/, 'web.example': /not an address/, '192.0.2.1,192.0.2.2': /not an address/, '192.0.2.1/33': /0 to 32/,
    };
    for (const [address, why] of Object.entries(cases)) {
      const text = problem({ address });
      assert.match(text, why, address);
      assert.match(text, /^eips\.yaml:6: spec\.address: /, address);
    }
  });

  it('reads an interface, or an address to reach', () => {
    assert.deepEqual(one(manifest({ interface: 'can_reach:192.0.2.1' })).interface, { kind: 'can-reach', address: '192.0.2.1' });
    assert.deepEqual(one(manifest({ interface: '"can_reach:2001:DB8::1"' })).interface, { kind: 'can-reach', address: '2001:db8::1' });
    assert.deepEqual(one(manifest({ interface: 'br0.100' })).interface, { kind: 'name', name: 'br0.100' });
  });

  it('refuses an interface that cannot be one', () => {
    const cases: Record<string, RegExp> = {
      '"can_reach:"': /after can_reach: "" is empty/, '"can_reach:x"': /after can_reach: "x"/, lo: /loopback interface/,
      '"can_reach:127.0.0.1"': /loopback/, 'averyverylongname': /15 bytes/, '"a/b"': /not the name/, '"a b"': /not the name/,
      '""': /is empty/, '5': /5 stands where text was expected: put it in quotes: "5"/, '"can_reach:192.0.2.0/24"': /not one address|without a prefix/,
    };
    for (const [on, why] of Object.entries(cases)) {
      assert.match(problem({ interface: on }), why, on);
    }
    assert.match(problem({ interface: null }), /:5: spec.interface: is missing: name the interface/);
  });

  it('refuses other protocols, and none, with what to set', () => {
    assert.match(problem({ protocol: 'bgp' }), /"bgp" is not spoken by Tenure: set spec.protocol: layer2/);
    assert.match(problem({ protocol: 'Layer2' }), /"Layer2" is no protocol/);
    assert.match(problem({ protocol: null }), /is missing, which means bgp in this API.*set spec.protocol: layer2/);
  });

  it('refuses unknown fields and annotations of ours, and guesses what was meant', () => {
    assert.match(problem({ more: ['prioritty: 1'] }), /:9: spec.prioritty: unknown field: did you mean "priority"/);
    assert.match(problem({ annotations: { 'tenure.io/anounce': 'bind' } }), /unknown annotation: did you mean "tenure.io\/announce"/);
    assert.match(problems(`${manifest()}stats: {}\n`).join(), /:9: stats: unknown field: did you mean "status"/);
    assert.match(problems(manifest().replace('  name: web', '  name: web\n  label: {}')).join(), /metadata.label: unknown field: did you mean "labels"/);
  });

  it('refuses wrong annotations with the reason', () => {
    const cases: [string, string, RegExp][] = [
      ['announce', 'both', /"both" is unknown/], ['node-selector', 'rack in r1', /"rack in r1"/], ['node-selector', '', /empty selector/],
      ['failback', 'sometimes', /not a duration.*or write never/], ['failback', '5', /lacks a unit/], ['burst', 'count=0', /count: "0"/],
      ['burst', 'size=1', /"size" is no setting/], ['force-subnet', 'yes', /"yes" is unknown: known are true and false/],
    ];
    for (const [name, text, why] of cases) {
      const found = problem({ annotations: { [`tenure.io/${name}`]: text } });
      assert.match(found, why);
      assert.match(found, /:6: metadata\.annotations\[tenure\.io\//);
    }
  });

  it('demands text where Kubernetes does', () => {
    const text = manifest().replace('  name: web', '  name: web\n  annotations:\n    tenure.io/force-subnet: true');
    assert.match(problems(text).join(), /true stands where text was expected: put it in quotes: "true"/);
    assert.match(problem({ more: ['disable: "true"'] }), /"true" stands where true or false/);
    assert.match(problem({ more: ['priority: high'] }), /"high" stands where a whole number/);
  });

  it('notes what has no effect on hosts, and takes it', () => {
    const text = manifest({ more: ['namespaces: [a]', 'namespaceSelector: {a: b}', 'usingKnownIPs: true'] });
    const { notes, documents } = parseEipDocuments('e', text);
    assert.equal(documents.length, 1);
    assert.deepEqual(notes.map(({ field }) => field), ['spec.namespaces', 'spec.namespaceSelector', 'spec.usingKnownIPs']);
  });

  it('takes what kubectl prints', () => {
    const printed = `apiVersion: v1
kind: List
metadata: {resourceVersion: ""}
items:
- apiVersion: network.kubesphere.io/v1alpha2
  kind: Eip
  metadata:
    name: web
    uid: 1234
    creationTimestamp: "2026-01-01T00:00:00Z"
    finalizers: [finalizer.ipam.kubesphere.io/v1alpha1]
    annotations: {kubectl.kubernetes.io/last-applied-configuration: "{}"}
  spec: {address: 192.0.2.1, interface: eth0, protocol: layer2}
  status: {usage: 1, anything: [1]}
`;
    assert.equal(one(printed).name, 'web');
    assert.equal(one(one(printed).text).name, 'web');
  });

  it('refuses other kinds and versions', () => {
    assert.match(problems('kind: Pod\napiVersion: v1\n').join('\n'), /:1: kind: "Pod".*write Eip/s);
    assert.match(problems(manifest().replace('v1alpha2', 'v1alpha1')).join(), /:1: apiVersion: .*v1alpha1.*write network.kubesphere.io\/v1alpha2/);
    assert.match(problems('a: 1').join('\n'), /apiVersion: is missing/);
    assert.match(problems('[1]').join(), /a list stands/);
    assert.match(problems('').join(), /holds no manifest/);
    assert.match(problems('kind: List\nitems: 5\n').join(), /items: is missing/);
    assert.match(problems('apiVersion: network.kubesphere.io/v1alpha2\nkind: Eip\n').join('\n'), /metadata.name: is missing[^]*spec.address: is missing/);
  });
});

describe('a file of several manifests', () => {
  it('gives each with its line and its own text', () => {
    const text = `${manifest({ name: 'a' })}---\n# b is for b\n${manifest({ name: 'b', address: '192.0.2.11' })}`;
    const { documents } = parseEipDocuments('e', text);
    assert.deepEqual(documents.map(({ name, source }) => [name, source]), [['a', 'e:1'], ['b', 'e:11']]);
    assert.match(documents[1]!.text, /^# b is for b\napiVersion/);
  });

  it('reports what is wrong with every one', () => {
    const text = [manifest({ name: 'A' }), manifest({ name: 'b' }), manifest({ name: 'c', address: 'x' })].join('---\n');
    assert.deepEqual(problems(text).map((line) => line.slice(0, 30)), ['eips.yaml:4: metadata.name: "A', 'eips.yaml:24: spec.address: "x']);
  });

  it('refuses a name twice', () => {
    const text = [manifest(), manifest({ address: '192.0.2.11' })].join('---\n');
    assert.match(problems(text).join(), /^eips.yaml:13: metadata.name: "web" is also the name of the Eip at eips.yaml:4/);
  });
});

describe('whatever the text', () => {
  it('it is read or refused, and never thrown over', () => {
    const json = fc.jsonValue({ maxDepth: 3 });
    const almost = fc.record({
      apiVersion: fc.constant('network.kubesphere.io/v1alpha2'), kind: fc.constant('Eip'),
      metadata: fc.oneof(json, fc.record({ name: fc.oneof(json, fc.constant('a')), annotations: fc.dictionary(fc.constantFrom('tenure.io/burst', 'tenure.io/failback', 'tenure.io/x', 'y'), json) }, { requiredKeys: [] })),
      spec: fc.oneof(json, fc.record({ address: fc.oneof(json, fc.constant('192.0.2.1')), interface: fc.oneof(json, fc.constant('eth0')), protocol: fc.oneof(json, fc.constant('layer2')), disable: json, priority: json }, { requiredKeys: [] })),
    }, { requiredKeys: ['apiVersion', 'kind'] });
    fc.assert(fc.property(almost, (value) => {
      const parsed = parseEipDocuments('e', JSON.stringify(value));
      assert.equal(parsed.documents.length + Number(parsed.problems.length > 0), 1);
      for (const { source, text } of parsed.problems) {
        assert.equal(source, 'e:1');
        assert.ok(text.length < 500, text);
      }
    }), { numRuns: 1000 });
  });
});
