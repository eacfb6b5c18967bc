import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StoreError } from '../../../src/store/lease-store.ts';
import { MemoryStore } from '../../../src/store/memory/memory-store.ts';
import { manifest } from '../config/eips.ts';
import { Terminal } from './terminal.ts';

const web = manifest({ name: 'web', address: '192.0.2.10-192.0.2.12' });
const dns = manifest({ name: 'dns', address: '192.0.2.53' });

function terminal(files: Record<string, string> = {}): Terminal {
  const made = new Terminal();
  for (const [name, text] of Object.entries(files)) made.files.set(name, text);
  return made;
}

function stored(terminal: Terminal): string[] {
  return terminal.server.state.documents().map(({ name }) => name).toSorted();
}

describe('tenure apply', () => {
  it('creates, changes and leaves alone, and says which', async () => {
    const user = terminal({ 'a.yaml': `${web}---\n${dns}` });
    assert.deepEqual(await user.run('apply', '-f', 'a.yaml'), { code: 0, out: 'eip/web created\neip/dns created\n', err: '' });
    const changed = manifest({ name: 'web', address: '192.0.2.12-192.0.2.13' });
    user.files.set('a.yaml', `${changed}---\n${dns}`);
    assert.equal((await user.run('apply', '-f', 'a.yaml')).out, 'eip/web configured: 2 addresses given up, 1 address added\neip/dns unchanged\n');
    assert.equal(user.server.state.documents().find(({ name }) => name === 'web')?.text, changed);
    assert.equal(user.opened, 2);
    assert.equal(user.closed, 2);
  });

  it('reads standard input and several files', async () => {
    const user = terminal({ 'a.yaml': web });
    user.stdin = dns;
    assert.equal((await user.run('apply', '-f', 'a.yaml', '-f', '-')).out, 'eip/web created\neip/dns created\n');
  });

  it('applies nothing if one document of many is bad, and names everything wrong', async () => {
    const user = terminal({ 'a.yaml': `${web}---\n${manifest({ name: 'x', address: '127.0.0.1' })}`, 'b.yaml': 'kind: Pod\n' });
    const { code, out, err } = await user.run('apply', '-f', 'a.yaml', 'b.yaml', 'c.yaml');
    assert.deepEqual([code, out], [2, '']);
    assert.deepEqual(err.split('\n').map((line) => line.slice(0, 45)), [
      'tenure: a.yaml:15: spec.address: "127.0.0.1" ', 'tenure: b.yaml:1: apiVersion: is missing: wri',
      'tenure: b.yaml:1: kind: "Pod" is not what is ', 'tenure: -f: "c.yaml" is not there: name a fil', '',
    ]);
    assert.deepEqual(stored(user), []);
    assert.equal(user.opened, 0, 'the store was asked before the files were sound');
  });

  it('refuses overlaps within the files and with the store, naming both and the addresses', async () => {
    const user = terminal({ 'web.yaml': web, 'x.yaml': `${manifest({ name: 'x', address: '192.0.2.0/28' })}---\n${manifest({ name: 'y', address: '192.0.2.1', more: ['disable: true'] })}` });
    await user.run('apply', '-f', 'web.yaml');
    const { code, err } = await user.run('apply', '-f', 'x.yaml');
    assert.equal(code, 2);
    assert.equal(err, [
      'tenure: x.yaml:1: spec.address: Eip "x" overlaps Eip "y" at x.yaml:10 in 192.0.2.1: take the addresses out of one.',
      'tenure: x.yaml:1: spec.address: Eip "x" overlaps Eip "web" in the store in 192.0.2.10 to 192.0.2.12: take the addresses out of one.', '',
    ].join('\n'));
    assert.deepEqual(stored(user), ['web']);
  });

  it('lets two Eips exchange addresses in one call', async () => {
    const user = terminal({ 'a.yaml': `${web}---\n${dns}` });
    await user.run('apply', '-f', 'a.yaml');
    user.files.set('a.yaml', [manifest({ name: 'web', address: '192.0.2.53' }), manifest({ name: 'dns', address: '192.0.2.10' })].join('---\n'));
    const { code, out } = await user.run('apply', '-f', 'a.yaml');
    assert.equal(code, 0);
    assert.match(out, /eip\/web configured: 3 addresses given up, 1 address added\neip\/dns configured: 1 address given up, 1 address added/);
  });

  it('refuses more addresses together than are taken', async () => {
    const user = terminal({ 'a.yaml': Array.from({ length: 5 }, (_, i) => manifest({ name: `e${i}`, address: `10.${i}.0.0/16` })).join('---\n') });
    const { code, err } = await user.run('apply', '-f', 'a.yaml');
    assert.equal(code, 2);
    assert.match(err, /^tenure: spec.address: all Eips together would have 327680 addresses: at most 262144/);
  });

  it('refuses a name that two files have', async () => {
    const user = terminal({ 'a.yaml': web, 'b.yaml': web });
    assert.match((await user.run('apply', '-f', 'a.yaml', 'b.yaml')).err, /b.yaml:1: metadata.name: "web" is also the name of the Eip at a.yaml:1/);
  });

  it('only checks with --dry-run', async () => {
    const user = terminal({ 'a.yaml': web });
    assert.equal((await user.run('apply', '-f', 'a.yaml', '--dry-run')).out, 'eip/web created (dry run)\n');
    assert.deepEqual(stored(user), []);
  });

  it('tells what has no effect, and applies it', async () => {
    const user = terminal({ 'a.yaml': manifest({ more: ['namespaces: [a]'] }) });
    const { code, err } = await user.run('apply', '-f', 'a.yaml');
    assert.deepEqual([code, err], [0, 'tenure: note: a.yaml:9: spec.namespaces: has no effect on plain hosts.\n']);
  });

  it('works a change by someone else into its own, and tells of an overlap that this made', async () => {
    const user = terminal({ 'a.yaml': web });
    const meddle = (texts: string[]): void => {
      user.makeStore = () => {
        const store = new MemoryStore(user.server);
        const put = store.putDocuments.bind(store);
        store.putDocuments = (documents, signal) => {
          const text = texts.shift();
          if (text !== undefined) {
            const name = /name: (\S+)/.exec(text)?.[1] ?? '';
            const { state } = user.server;
            const revision = state.documents().find((one) => one.name === name)?.revision ?? 0;
            state.putDocuments([{ name, text, revision }]);
          }
          return put(documents, signal);
        };
        return store;
      };
    };
    meddle([manifest({ name: 'web', address: '192.0.2.99' })]);
    assert.equal((await user.run('apply', '-f', 'a.yaml')).out, 'eip/web configured: 1 address given up, 3 addresses added\n');
    user.files.set('b.yaml', dns);
    meddle([manifest({ name: 'dns', address: '192.0.2.54' }), manifest({ name: 'other', address: '192.0.2.53' })]);
    const { code, err } = await user.run('apply', '-f', 'b.yaml');
    assert.equal(code, 1);
    assert.match(err, /Eip "dns" overlaps Eip "other" in the store in 192\.0\.2\.53: .*at the same time by someone else/);
    meddle(Array.from({ length: 9 }, (_, i) => manifest({ name: 'web', address: `192.0.2.${100 + i}` })));
    user.files.set('a.yaml', manifest({ name: 'web', address: '192.0.2.200' }));
    const lost = await user.run('apply', '-f', 'a.yaml');
    assert.equal(lost.code, 1);
    assert.match(lost.err, /^tenure: apply: 1 Eip: others change them at the same time: nothing was applied; try again\n$/);
  });

  it('says in one line that the store failed, with what would do', async () => {
    const user = terminal({ 'a.yaml': web });
    user.makeStore = () => {
      const store = new MemoryStore(user.server);
      store.listDocuments = () => Promise.reject(new StoreError('unavailable', 'connection refused'));
      return store;
    };
    const { code, err } = await user.run('apply', '-f', 'a.yaml');
    assert.deepEqual([code, err], [1, 'tenure: store: connection refused: see whether etcd runs at http://127.0.0.1:2379, or name another with --etcd-endpoints\n']);
    assert.equal(user.closed, 1);
  });
});

describe('tenure delete', () => {
  it('deletes Eips by name and by file', async () => {
    const user = terminal({ 'a.yaml': `${web}---\n${dns}`, 'b.yaml': dns });
    await user.run('apply', '-f', 'a.yaml');
    assert.deepEqual(await user.run('delete', 'eip', 'web'), { code: 0, out: 'eip/web deleted\n', err: '' });
    assert.equal((await user.run('delete', '-f', 'b.yaml')).out, 'eip/dns deleted\n');
    assert.deepEqual(stored(user), []);
  });

  it('deletes nothing if one is not there, unless told that this is no error', async () => {
    const user = terminal({ 'a.yaml': web });
    await user.run('apply', '-f', 'a.yaml');
    assert.deepEqual(await user.run('delete', 'eips', 'web', 'www'), {
      code: 1, out: '', err: 'tenure: eip: "www": not found, nothing was deleted: there are web\n',
    });
    assert.deepEqual(stored(user), ['web']);
    assert.equal((await user.run('delete', 'eip', 'web', 'www', '--ignore-not-found')).out, 'eip/web deleted\n');
  });

  it('refuses a command line that names nothing, both, or another kind', async () => {
    const user = terminal({ 'a.yaml': web });
    for (const [argv, why] of [
      [[], /no Eip is named/], [['eip'], /no Eip is named/], [['eip', 'web', '-f', 'a.yaml'], /given together/],
      [['node', 'a'], /kind: "node": is unknown here: known are eip and eips/], [['eipp', 'a'], /did you mean "eip"/],
    ] as const) {
      const { code, err } = await user.run('delete', ...argv);
      assert.equal(code, 2);
      assert.match(err, why);
    }
  });
});
