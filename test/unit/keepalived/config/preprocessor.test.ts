import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Findings } from '../../../../src/keepalived/config/finding.ts';
import { LineReader, type ReaderOptions } from
  '../../../../src/keepalived/config/lines/line-reader.ts';
import { newestVersion } from '../../../../src/keepalived/config/version.ts';

function linesOf(text: string, options: Partial<ReaderOptions> = {}) {
  const findings = new Findings();
  const reader = new LineReader(text, 'k.conf', { version: newestVersion, ...options }, findings);
  const lines: string[] = [];
  const places: string[] = [];
  for (let line = reader.next(); line; line = reader.next()) {
    lines.push(line.text);
    places.push(`${line.file}:${line.line}:${line.columns[0] ?? 0}`);
  }
  return { lines, places, findings: findings.list.map((one) =>
    `${one.line}:${one.column} ${one.severity} ${one.message}`) };
}

describe("keepalived's preprocessor", () => {
  it('puts braces on lines of their own and takes comments away', () => {
    const { lines, places } = linesOf('a b { c "d { # " # e\n}} ! f\n');
    assert.deepEqual(lines, ['a b', '{', 'c "d { # "', '}', '}']);
    assert.deepEqual(places, ['k.conf:1:1', 'k.conf:1:5', 'k.conf:1:7', 'k.conf:2:1', 'k.conf:2:2']);
  });

  it("leaves out the lines of other hosts", () => {
    const text = '@one a\n@two b\n@^one c\n@^two d\ne\n';
    assert.deepEqual(linesOf(text, { configId: 'one' }).lines, ['a', 'd', 'e']);
    assert.deepEqual(linesOf(text, { configId: 'two' }).lines, ['b', 'c', 'e']);
  });

  it('replaces definitions, those of several lines too, and points where they are used', () => {
    const { lines, places } = linesOf('$X=5\n$M=p \\\n  q $X\n\na ${X}1 $X\n  $M\n');
    assert.deepEqual(lines, ['a 51 5', 'p', 'q 5']);
    assert.deepEqual(places, ['k.conf:5:1', 'k.conf:6:3', 'k.conf:6:3']);
  });

  it('unrolls loops', () => {
    const text = '~SEQ(i, 1, 3) n $i\n~LST({a,b}, {x,y}) v ${a} ${b}\n~LST(n, one, two) m ${n}\n';
    assert.deepEqual(linesOf(text).lines, ['n 1', 'n 2', 'n 3', 'v x y', 'm one', 'm two']);
  });

  it('says that a definition which names itself has no end', () => {
    const { findings } = linesOf('$A=x $B\n$B=y $A\nz $A\n');
    assert.match(findings.join(), /3:1 error a definition refers to itself/);
  });

  it('replaces what the environment holds from 2.4.0 on', () => {
    const options = { environment: { PRIO: '7' } };
    assert.deepEqual(linesOf('a ${_ENV PRIO}\n', options).lines, ['a 7']);
    assert.deepEqual(linesOf('a ${_ENV PRIO}\n', { ...options, version: [2, 2, 7] }).lines,
      ['a $', '{', '_ENV PRIO', '}']);
  });

  it('reads included files where they are included, and says what is missing as asked', () => {
    const include = (pattern: string) => pattern === 'x.conf'
      ? { files: [{ path: '/d/x.conf', text: 'b\nc {\n' }], missing: false, wildcard: false }
      : { files: [], missing: true, wildcard: false };
    const { lines, places, findings } = linesOf(
      'a\ninclude x.conf\n}\ninclude y.conf\nincludem z.conf\n', { include });
    assert.deepEqual(lines, ['a', 'b', 'c', '{', '}']);
    assert.deepEqual(places.slice(1, 4), ['/d/x.conf:1:1', '/d/x.conf:2:1', '/d/x.conf:2:3']);
    assert.deepEqual(findings, [
      '4:9 warning include: "y.conf" does not exist', '5:10 error include: "z.conf" does not exist',
    ]);
  });

  it('stops when files include one another for ever, or loops unroll too far', () => {
    const include = () =>
      ({ files: [{ path: '/d/a', text: 'include a\n' }], missing: false, wildcard: false });
    assert.match(linesOf('include a\n', { include }).findings.join(), /more than 64 deep/);
    const loops = '~SEQ(a, 1, 2000) ~SEQ(b, 1, 2000) x\n';
    assert.match(linesOf(loops).findings.join(), /unroll to more than 1000000 lines/);
  });

  it('says which braces do not match, and which quote is open', () => {
    const { findings } = linesOf('}\na {\nb "c\n');
    assert.deepEqual(findings, [
      '1:1 error this "}" closes nothing',
      '3:1 error a double quote is opened and not closed on this line',
      '3:5 error a closing "}" is missing at the end of the file',
    ]);
  });

  it('refuses a line that is longer than keepalived reads', () => {
    assert.match(linesOf(`a ${'x'.repeat(1100)}\n`).findings.join(), /1:1 error the line is longer/);
  });
});
