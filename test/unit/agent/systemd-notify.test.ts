import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ServiceManager } from '../../../src/agent/systemd-notify.ts';
import { loadAddon } from '../../../src/net/addon.ts';

const managers: ServiceManager[] = [];
afterEach(() => { for (const manager of managers.splice(0)) manager.close(); });

function manager(env: Record<string, string>) {
  const sent: string[] = [];
  const made = new ServiceManager({
    env, send: (path, bytes) => { sent.push(`${path} ${Buffer.from(bytes).toString()}`); return 0; },
  });
  managers.push(made);
  return { made, sent };
}

describe('the service manager', () => {
  it('is told of readiness once, then of the status alone', () => {
    const { made, sent } = manager({ NOTIFY_SOCKET: '/run/n' });
    made.ready('holds nothing\nyet');
    made.ready('holds 3');
    made.status('holds 3');
    made.stopping();
    assert.deepEqual(sent, ['/run/n READY=1\nSTATUS=holds nothing yet', '/run/n STATUS=holds 3', '/run/n STOPPING=1\nSTATUS=handing over']);
  });

  it('is told nothing where there is none, or one of a kind we do not know', () => {
    for (const env of [{}, { NOTIFY_SOCKET: '' }, { NOTIFY_SOCKET: 'vsock:2:1' }]) {
      const { made, sent } = manager({ ...env, WATCHDOG_USEC: '20000' });
      made.ready('x');
      made.stopping();
      assert.deepEqual(sent, []);
    }
  });

  it('gets signs of life several times in the time it waits, until the end', async () => {
    const { made, sent } = manager({ NOTIFY_SOCKET: '@n', WATCHDOG_USEC: '60000', WATCHDOG_PID: String(process.pid) });
    await sleep(300);
    made.close();
    assert.ok(sent.length >= 3 && sent.every((text) => text === '@n WATCHDOG=1'), sent.join());
    const { length } = sent;
    await sleep(80);
    assert.equal(sent.length, length);
  });

  it('gets none if it does not want any, or of another process', () => {
    const socket = { NOTIFY_SOCKET: '/run/n' };
    for (const env of [{}, { WATCHDOG_USEC: '0' }, { WATCHDOG_USEC: 'x' }, { WATCHDOG_USEC: '60000', WATCHDOG_PID: '1' }]) {
      assert.deepEqual(manager({ ...socket, ...env }).sent, []);
    }
  });
});

/** Binds a datagram socket and prints what comes; perl is part of every Debian. */
const receiver = `
  use Socket; $| = 1; my $path = $ARGV[0]; $path =~ s/^@/\\0/;
  socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die; bind($s, pack_sockaddr_un($path)) or die $!;
  print "bound\\n"; recv($s, my $got, 65536, 0); print $got;`;

describe('a unix datagram', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenure-notify-'));
  const send = (path: string, text: string) =>
    loadAddon().unixDatagramSend(path, Buffer.from(text));

  for (const path of [join(folder, 'socket'), `@tenure-test-${process.pid}`]) {
    it(`reaches a socket at ${path.startsWith('@') ? 'an abstract name' : 'a path'}`, async () => {
      const child = spawn('perl', ['-e', receiver, path], { stdio: ['ignore', 'pipe', 'inherit'] });
      try {
        let out = '';
        child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString(); });
        const exit = once(child, 'exit');
        while (!out.startsWith('bound\n')) await once(child.stdout, 'data');
        assert.equal(send(path, 'READY=1\nSTATUS=grüß'), 0);
        await exit;
        assert.equal(out, 'bound\nREADY=1\nSTATUS=grüß');
      } finally {
        child.kill();
      }
    });
  }

  it('that nobody takes gives an error number, and throws nothing', () => {
    const errno = (path: string) => send(path, 'x');
    assert.equal(errno(join(folder, 'none')), 2 /* ENOENT */);
    assert.equal(errno('@tenure-test-nobody'), 111 /* ECONNREFUSED */);
    assert.equal(errno(''), 22 /* EINVAL */);
    assert.equal(errno(`/${'x'.repeat(200)}`), 36 /* ENAMETOOLONG */);
    rmSync(folder, { recursive: true, force: true });
  });
});
