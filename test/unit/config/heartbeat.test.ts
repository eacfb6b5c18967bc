import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadConfig } from '../../../src/config/load.ts';
import { formatProblem } from '../../../src/config/problem.ts';

const good = 'q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=';
const other = 'A83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=';

function load(yaml: Readonly<Record<string, unknown>>, key = `${good}\n`) {
  return loadConfig({
    flags: { config: '/etc/tenure.yaml' }, env: {}, hostName: 'a',
    readFile: (path) => {
      if (path === '/etc/tenure.yaml') return { kind: 'text', text: JSON.stringify(yaml) };
      return path === '/etc/key' ? { kind: 'text', text: key } : { kind: 'missing' };
    },
  });
}

function refusal(heartbeat: Readonly<Record<string, unknown>>, key?: string): string {
  const loaded = load({ heartbeat: { keyFile: 'key', ...heartbeat } }, key);
  assert.ok('problems' in loaded, 'nothing was refused');
  return loaded.problems.map(formatProblem).join('\n');
}

function settings(heartbeat: Readonly<Record<string, unknown>>, key?: string) {
  const loaded = load({ heartbeat }, key);
  assert.ok('config' in loaded, 'problems' in loaded ? loaded.problems.map(formatProblem).join('\n') : '');
  return loaded.config.heartbeat;
}

describe('heartbeats in the configuration', () => {
  it('are not there without a key', () => {
    assert.equal(settings({ profile: 'fast' }), null);
  });

  it('are those of a LAN with a key alone', () => {
    assert.deepEqual(settings({ keyFile: 'key' }), {
      keyFile: '/etc/key', port: 9477, addresses: [], intervalMs: 60, supportMs: 300,
      observeMs: 600_000,
    });
  });

  it('may be of another profile, or have numbers of their own', () => {
    assert.equal(settings({ keyFile: 'key', profile: 'fast' })?.supportMs, 15);
    assert.equal(settings({ keyFile: 'key', profile: 'wan' })?.intervalMs, 500);
    const own = settings({ keyFile: 'key', interval: '5ms', support: '20ms' });
    assert.deepEqual([own?.intervalMs, own?.supportMs], [5, 20]);
  });

  it('may have two keys while they are replaced', () => {
    assert.equal(settings({ keyFile: 'key' }, `${other}\n\n${good}`)?.keyFile, '/etc/key');
  });

  it('name networks, so that every node can have the same', () => {
    const { addresses } = settings({ keyFile: 'key', addresses: ['10.0.0.0/24', '2001:db8::1'] }) ?? {};
    assert.deepEqual(addresses, ['10.0.0.0/24', '2001:db8::1']);
  });

  it('are refused with the option, what is wrong, and what would do', () => {
    assert.match(refusal({ keyFile: 'none' }), /heartbeat\.keyFile: ".etc.none" is not there: make one, the same for all nodes \(openssl rand -base64 32\)/);
    assert.match(refusal({}, '\n'), /heartbeat\.keyFile: .*holds no key/);
    assert.match(refusal({}, 'short\n'), /holds a key of fewer than 32 characters \(the first\)/);
    assert.match(refusal({}, `${good}\n${good}`), /holds one key twice/);
    assert.match(refusal({}, `${good}\n${other}\n${good}x`), /holds 3 keys/);
    assert.match(refusal({ port: 0 }), /heartbeat\.port: "0" is not a whole number from 1 to 65535/);
    assert.match(refusal({ addresses: ['eth0'] }), /heartbeat\.addresses: "eth0" is neither an address/);
    assert.match(refusal({ profile: 'lam' }), /heartbeat\.profile: "lam" is unknown: did you mean "?lan/);
    assert.match(refusal({ profile: 'fast', interval: '10ms' }), /heartbeat\.interval: "10ms" leaves no room for loss: heartbeat\.support \(15ms\) must be at least 3 times/);
    assert.doesNotMatch(refusal({}, 'short-secret'), /short-secret/);
  });

  it('have a hold that the store can count, and not shorter than the lease', () => {
    const problems = (yaml: Readonly<Record<string, unknown>>): string => {
      const loaded = load(yaml);
      return 'problems' in loaded ? loaded.problems.map(formatProblem).join('\n') : '';
    };
    assert.match(problems({ quorum: { hold: '90500ms' } }), /quorum\.hold: "90500ms" is not whole seconds/);
    assert.match(problems({ quorum: { hold: '10s' }, lease: { duration: '20s' } }), /quorum\.hold: "10s" is shorter than lease\.duration \(20s\)/);
  });
});
