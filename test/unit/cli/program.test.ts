import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryStore } from '../../../src/store/memory/memory-store.ts';
import { age, byAddress, table } from '../../../src/cli/output.ts';
import { manifest } from '../config/eips.ts';
import { Terminal } from './terminal.ts';

const commands = ['agent', 'status', 'apply', 'get', 'delete', 'history', 'move', 'drain', 'undrain', 'config check'];

describe('the program', () => {
  it('shows its help, and that of every command with examples', async () => {
    const { code, out, err } = await new Terminal().run('--help');
    assert.deepEqual([code, err], [0, '']);
    for (const command of commands) {
      assert.ok(out.includes(command.split(' ')[0] ?? ''), command);
      const help = await new Terminal().run(...command.split(' '), '--help');
      assert.equal(help.code, 0);
      assert.match(help.out, /Examples:\n {2}tenure /, command);
    }
  });

  it('shows its help as an error when called with nothing', async () => {
    const { code, out, err } = await new Terminal().run();
    assert.deepEqual([code, out], [2, '']);
    assert.match(err, /^Usage: tenure/);
  });

  it('tells its version', async () => {
    assert.match((await new Terminal().run('--version')).out, /^\d+\.\d+\.\d+/);
  });

  it('refuses a wrong command line in one line, with a guess', async () => {
    const cases: [string[], RegExp][] = [
      [['gett'], /^tenure: unknown command 'gett' \(Did you mean get\?\): see "tenure --help"\n$/],
      [['get', '--outptu', 'x'], /^tenure: unknown option '--outptu' \(Did you mean --output\?\): see "tenure get --help"\n$/],
      [['get'], /^tenure: missing required argument 'kind': see/],
      [['get', 'eips', 'a', 'b'], /^tenure: too many arguments[^\n]*[^.\n]: see "tenure get --help"\n$/],
      [['apply'], /^tenure: required option '-f, --filename <file...>' not specified/],
    ];
    for (const [argv, why] of cases) {
      const { code, out, err } = await new Terminal().run(...argv);
      assert.deepEqual([code, out], [2, ''], argv.join(' '));
      assert.match(err, why);
    }
  });

  it('takes the store from the file, the environment and flags, the latter first', async () => {
    const user = new Terminal();
    user.files.set('/etc/tenure/tenure.yaml', 'store: {etcd: {endpoints: [http://from-file:1]}}');
    const seen: string[] = [];
    user.makeStore = () => {
      const store = new MemoryStore(user.server);
      store.listDocuments = () => Promise.reject(new Error('unused'));
      return store;
    };
    const endpoints = async (...argv: string[]) => {
      const { err } = await user.run('get', 'eips', ...argv);
      seen.push(err);
    };
    user.makeStore = () => { throw new Error('reached'); };
    await endpoints();
    assert.match(seen[0] ?? '', /^tenure: internal error: reached/);
    user.env = { TENURE_ETCD_ENDPOINTS: 'nonsense' };
    await endpoints();
    assert.match(seen[1] ?? '', /^tenure: TENURE_ETCD_ENDPOINTS: "nonsense" is not an endpoint/);
    await endpoints('--etcd-endpoints', 'worse', '--etcd-endpoints', 'http://a');
    assert.match(seen[2] ?? '', /tenure: --etcd-endpoints: "worse" is not an endpoint/);
    user.env = {};
    await endpoints('--config', 'none.yaml');
    assert.match(seen[3] ?? '', /^tenure: --config: config: "none.yaml" is not there/);
  });

  it('shows no stack trace, unless TENURE_DEBUG asks for it', async () => {
    const user = new Terminal();
    user.makeStore = () => { throw new Error('surprise\nsecond line'); };
    assert.deepEqual(await user.run('get', 'eips'), {
      code: 1, out: '', err: 'tenure: internal error: surprise: please report it, with what TENURE_DEBUG=1 shows\n',
    });
    user.env = { TENURE_DEBUG: '1' };
    assert.match((await user.run('get', 'eips')).err, /\n {4}at /);
  });

  it('colours the head of a table on a terminal alone', async () => {
    const user = new Terminal();
    user.stdin = manifest();
    await user.run('apply', '-f', '-');
    assert.doesNotMatch((await user.run('get', 'eips')).out, /\u001b/);
    user.colours = true;
    assert.match((await user.run('get', 'eips')).out, /^\u001b\[1mNAME/);
  });
});

describe('tenure config check', () => {
  it('shows what was set, and where', async () => {
    const user = new Terminal();
    user.files.set('t.yaml', 'node:\n  labels: {rack: r1}\nstore: {etcd: {user: u, password: hunter2}}\n');
    user.env = { TENURE_LOG_LEVEL: 'debug' };
    const { code, out } = await user.run('config', 'check', 't.yaml');
    assert.equal(code, 0);
    assert.equal(out, `\
OPTION               VALUE    FROM
node.name            desk     host name
node.labels          rack=r1  t.yaml:2
store.etcd.user      u        t.yaml:3
store.etcd.password  (set)    t.yaml:3
log.level            debug    TENURE_LOG_LEVEL
`);
    assert.match((await user.run('config', 'check', 't.yaml', '--all')).out, /lease.duration +5s +default/);
  });

  it('names every problem, and exits with 2', async () => {
    const user = new Terminal();
    user.files.set('t.yaml', 'node:\n  wieght: 1\nlease:\n  duration: 1s\n');
    const { code, out, err } = await user.run('config', 'check', 't.yaml');
    assert.deepEqual([code, out, err.split('\n').length], [2, '', 3]);
    assert.match(err, /^tenure: t.yaml:2: node.wieght: unknown field: did you mean "weight"\?\ntenure: t.yaml:4: lease.duration: "1s"/);
  });
});

describe('what is shown', () => {
  it('has ages of two units', () => {
    const cases: [number, string][] = [
      [0, '0ms'], [-5, '0ms'], [34.4, '34ms'], [999, '999ms'], [1000, '1s'], [192_000, '3m12s'], [3_600_000, '1h'],
      [3_605_000, '1h'], [90_061_000, '1d1h'], [864_000_000, '10d'],
    ];
    for (const [ms, text] of cases) assert.equal(age(ms), text);
  });

  it('sorts addresses by number, IPv6 after IPv4', () => {
    const sorted = ['10.0.0.9', '10.0.0.10', '192.0.2.1', '2001:db8::9', '2001:db8::10'];
    assert.deepEqual(sorted.toReversed().sort(byAddress), sorted);
  });

  it('is aligned, without blanks at the end of a line', () => {
    const columns = [{ title: 'A', of: (row: string[]) => row[0] ?? '' }, { title: 'LONG', of: (row: string[]) => Number(row[1]) }, { title: 'C', of: (row: string[]) => row[2] ?? '' }];
    assert.equal(table(columns, [['xyz', '5', ''], ['x', '10', 'c']], 'table', false), 'A    LONG  C\nxyz     5\nx      10  c\n');
  });
});
