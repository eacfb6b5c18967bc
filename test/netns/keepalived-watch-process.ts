/** Watches VRRP in its namespace, and prints what it knows: lines of JSON, five a second. */
import { execFileSync } from 'node:child_process';
import { openEar } from '../../src/keepalived/watch/ear.ts';
import { type Expected, VrrpWatch } from '../../src/keepalived/watch/watch.ts';

const expected = JSON.parse(process.argv[2] ?? '[]') as readonly Expected[];
// /sys is that of another namespace here.
const link = execFileSync('ip', ['-o', 'link', 'show', 'dev', 'eth0'], { encoding: 'utf8' });
const eth0 = { name: 'eth0', ifindex: Number.parseInt(link, 10) };
const watch = new VrrpWatch();
watch.expect(expected);
const opening = ([4, 6] as const).map((family) => openEar({
  interface: eth0, family,
  onPacket: (packet) => { watch.hear('eth0', packet, performance.now()); },
  onDrop: (reason) => { watch.dropped(reason); },
  onError: (text) => { watch.dropped(text); },
}));
void Promise.all(opening).then((ears) => {
  process.stdout.write(`${JSON.stringify({ ears: ears.map((ear) => 'error' in ear ? ear.error : 'open') })}\n`);
  setInterval(() => {
    const now = performance.now();
    process.stdout.write(`${JSON.stringify({
      masters: watch.masters(now), findings: watch.findings(now), foreign: [...watch.foreign(now)],
      drops: [...watch.drops],
    })}\n`);
  }, 200);
});
