import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Terminal } from './terminal.ts';

const good = `vrrp_instance V {
  interface eth0
  virtual_router_id 7
  virtual_ipaddress { 192.0.2.1 }
}
`;

describe('tenure keepalived lint', () => {
  let directory: string;
  before(() => { directory = mkdtempSync(join(tmpdir(), 'keepalived-lint-')); });
  after(() => { rmSync(directory, { recursive: true, force: true }); });

  function file(name: string, text: string): string {
    const path = join(directory, name);
    writeFileSync(path, text);
    return path;
  }

  const lint = (...argv: string[]) =>
    new Terminal().run('keepalived', 'lint', '--keepalived-version', '2.2.7', ...argv);

  it('says nothing of a file that is right', async () => {
    assert.deepEqual(await lint(file('good.conf', good)), { code: 0, out: '', err: '' });
  });

  it('names file, line, column, keyword, value and range of each fault, and exits 1', async () => {
    const path = file('bad.conf', good.replace('7', '700').replace('interface', 'interfaec'));
    const { code, out, err } = await lint(path);
    assert.deepEqual([code, err], [1, '']);
    assert.match(out, /bad\.conf:2:3: error: "interfaec" is not a keyword here; did you mean "interface"\?$/m);
    assert.match(out, /bad\.conf:3:21: error: virtual_router_id: .*700.*1 to 255/);
  });

  it('exits 0 with warnings alone', async () => {
    const { code, out } = await lint(file('warn.conf', good.replace('eth0', 'eth0 eth1')));
    assert.equal(code, 0);
    assert.match(out, /warn\.conf:2:18: warning: .*ignores "eth1"/);
  });

  it('judges by the release that is asked for', async () => {
    const path = file('new.conf', good.replace('}\n}', '}\n  timer_expired_backup\n  nopreempt\n}'));
    assert.equal((await lint(path)).code, 1);
    const newer = await new Terminal().run('keepalived', 'lint', path, '--keepalived-version', '2.3.0');
    assert.deepEqual([newer.code, newer.out], [0, '']);
  });

  it('follows includes, relative to the file', async () => {
    file('part.conf', good.replace('7', '256'));
    const { code, out } = await lint(file('whole.conf', 'include part.conf\nincludem gone.conf\n'));
    assert.equal(code, 1);
    assert.match(out, /part\.conf:3:21: error/);
    assert.match(out, /whole\.conf:2:10: error: include: "gone.conf" does not exist/);
  });

  it('reads standard input, and the lines of another host', async () => {
    const terminal = new Terminal();
    terminal.stdin = `@n1 nonsense\n${good}`;
    const argv = ['keepalived', 'lint', '-', '--keepalived-version', '2.2.7'];
    assert.equal((await terminal.run(...argv)).code, 0);
    const { code, out } = await terminal.run(...argv, '--id', 'n1');
    assert.deepEqual([code, out], [1, '-:1:5: error: "nonsense" is not a keyword here\n']);
  });

  it('gives programs the same as JSON', async () => {
    const { code, out } = await lint(file('json.conf', good.replace('7', '0')), '-o', 'json');
    assert.equal(code, 1);
    const { version, accepted, findings } = JSON.parse(out) as {
      version: string; accepted: boolean; findings: Record<string, unknown>[];
    };
    assert.deepEqual([version, accepted], ['2.2.7', false]);
    assert.deepEqual([findings[0]?.code, findings[0]?.line, findings[0]?.value],
      ['out-of-range', 3, '0']);
  });

  it('says in one line what is wrong with the command line or the file', async () => {
    const cases: [string[], RegExp][] = [
      [['/nonexistent.conf'], /^tenure: \/nonexistent\.conf: does not exist/],
      [[directory], /is a directory/],
      [['x', '--keepalived-version', 'new'], /--keepalived-version new: this is no version: give one such as 2\.2\.7/],
      [['x', '--keepalived-version', '1.9.0'], /--keepalived-version 1\.9\.0: this is too old: give 2\.1\.0 or later/],
    ];
    for (const [argv, why] of cases) {
      const { code, out, err } = await new Terminal().run('keepalived', 'lint', ...argv);
      assert.deepEqual([code, out], [2, ''], err);
      assert.match(err, why);
      assert.equal(err.trimEnd().split('\n').length, 1);
    }
  });
});
