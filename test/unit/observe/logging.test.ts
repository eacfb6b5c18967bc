import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createLogger } from '../../../src/observe/logging.ts';
import type { LogOptions } from '../../../src/observe/logging.ts';
import { formatLine } from '../../../src/observe/pretty-log.ts';

function logger(options: Partial<LogOptions> = {}, terminal = false) {
  const lines: string[] = [];
  const log = createLogger({ level: 'info', format: 'auto', ...options }, {
    write: (text) => { lines.push(text); }, isTerminal: terminal, colours: false,
  });
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? '') as Record<string, unknown> };
}

function program(script: string): string[] {
  const module = new URL('../../../src/observe/logging.ts', import.meta.url).href;
  return ['--import', 'tsx', '--input-type=module', '-e', `
    const { createLogger } = await import(${JSON.stringify(module)});
    const log = createLogger({ level: 'info', format: 'json' });
    ${script}`];
}

describe('the log', () => {
  it('is one JSON object a line: level, time, fields, sentence', () => {
    const { log, lines, last } = logger({ fields: { node: 'a' } });
    log.info({ eip: '192.0.2.1', term: 3 }, 'took an address');
    const { time, ...rest } = last();
    assert.match(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.deepEqual(rest, { level: 'info', node: 'a', eip: '192.0.2.1', term: 3, msg: 'took an address' });
    assert.ok(lines[0]?.endsWith('}\n'));
  });

  it('leaves out what is below its level', () => {
    const { log, lines } = logger({ level: 'warn' });
    log.info('no');
    log.warn('yes');
    assert.equal(lines.length, 1);
  });

  it('is for people on a terminal, or when asked', () => {
    for (const { log, lines } of [logger({}, true), logger({ format: 'pretty' })]) {
      log.warn({ eip: '192.0.2.1', why: 'no carrier' }, 'cannot announce');
      assert.match(lines[0] ?? '', /^\d\d:\d\d:\d\d\.\d{3} WARN {2}cannot announce {2}eip=192\.0\.2\.1 why="no carrier"\n$/);
    }
    const { log, last } = logger({ format: 'json' }, true);
    log.info('x');
    assert.equal(last().msg, 'x');
  });

  it('keeps secrets to itself', () => {
    const { log, lines } = logger();
    log.info({ password: 'hunter2', etcd: { password: 'hunter2', a: { token: 'hunter2' } }, authorization: 'hunter2' }, 'x');
    assert.doesNotMatch(lines.join(''), /hunter2/);
    assert.match(lines.join(''), /\(secret\)/);
  });

  it('hides a secret within a list, and leaves the caller its own object', () => {
    const { log, last } = logger();
    const fields = { users: [{ name: 'root', password: 'hunter2' }] };
    log.info(fields, 'x');
    assert.deepEqual(last().users, [{ name: 'root', password: '(secret)' }]);
    assert.equal(fields.users[0]?.password, 'hunter2');
  });

  it('tells an error by message, code and cause, and by its stack only when debugging', () => {
    const error = Object.assign(new Error('refused', { cause: new Error('deeper') }), { code: 'EPERM' });
    const { log, last } = logger();
    log.error({ error }, 'x');
    assert.deepEqual(last().error, { message: 'refused', code: 'EPERM', cause: { message: 'deeper' } });
    const debugging = logger({ level: 'debug' });
    debugging.log.error({ err: error }, 'x');
    assert.match((debugging.last().err as { stack: string }).stack, /at /);
  });

  it('is written whole when the process ends', () => {
    const script = 'for (let i = 0; i < 500; i += 1) log.info({ i }, "x");';
    const { stdout } = spawnSync(process.execPath, program(script), { encoding: 'utf8' });
    assert.equal(stdout.trim().split('\n').length, 500);
  });

  it('loses lines rather than wait for a reader that does not read, and says how many', { timeout: 60_000 }, async () => {
    const script = `
      const text = 'x'.repeat(1000);
      for (let i = 0; i < 5000; i += 1) log.info({ text }, "x");
      // Reached though nobody reads: writing did not block.
      process.stderr.write('on time');
      setTimeout(() => log.info('end'), 2000);`;
    const child = spawn(process.execPath, program(script), { stdio: ['ignore', 'pipe', 'pipe'] });
    try {
      assert.equal(String(await once(child.stderr, 'data')), 'on time');
      let out = '';
      child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString(); });
      await once(child, 'close');
      const lines = out.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
      const lost = lines.find(({ level }) => level === 'warn');
      assert.match(String(lost?.msg), /lines of this log were lost/);
      assert.equal(Number(lost?.lines) + lines.length - 2, 5000);
    } finally {
      child.kill();
    }
  });
});

describe('a pretty line', () => {
  it('never throws, and lets no control character of a value through', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), fc.jsonValue(), (text, value) => {
      const line = formatLine(JSON.stringify({ level: 'info', time: '2026-01-01T00:00:00.000Z', msg: 'x', text, value }), false);
      assert.doesNotMatch(line.slice(0, -1), /[\u0000-\u001f\u007f-\u009f]/);
      formatLine(text, true);
    }));
  });
});
