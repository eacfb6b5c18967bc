/** A process with a thread that takes real-time priority and then runs on and on. */
import { readFileSync, readlinkSync } from 'node:fs';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { demoteThread, limitRealtime, requestRealtime } from '../../src/net/sched.ts';

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url));
  let tid = 0;
  process.on('SIGXCPU', () => {
    const refused = demoteThread(tid);
    const stat = readFileSync(`/proc/self/task/${String(tid)}/stat`, 'utf8');
    const policy = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[38];
    console.log(`demoted: ${refused?.message ?? 'yes'}, policy ${policy ?? ''}`);
  });
  worker.on('message', (message: number) => {
    if (message > 0) tid = message;
    else process.exit(0);
  });
} else {
  const tid = Number(readlinkSync('/proc/thread-self').split('/')[2]);
  const refused = limitRealtime(500, 5000) ?? requestRealtime(1);
  if (refused !== null) throw refused;
  parentPort?.postMessage(tid);
  setTimeout(() => {
    for (const end = Date.now() + 6000; Date.now() < end;);
    parentPort?.postMessage(0);
  }, 50);
}
