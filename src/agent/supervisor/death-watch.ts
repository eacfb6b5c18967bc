/**
 * Tells of a process's death as soon as it runs no code any more. The kernel reports the end of a
 * process last, tens of ms later: it gives back its memory before, and closes its files, of which
 * packet sockets wait for all that are in use.
 */
import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { demoteThread, promoteThread } from '../../net/sched.ts';

/** linux/sched.h: set as the first thing that a thread does when it ends. */
const PF_EXITING = 0x4;

/** On a busy host threads wait for their turn to end: they get it. Less than ours. */
const hurryPriority = 1;
const lookEveryMs = 0.1;
/** How often we look again without going back to the loop. */
const mostLooks = 20;

/**
 * `canary`: our end of a pipe whose other end a thread of the process has, and nobody else
 * (startCanary of the addon): it closes first. Where that is not so, the channel does, after the
 * memory. Either may break for other reasons as well, so the threads are looked at.
 */
export function watchForDeath(
  child: ChildProcess, canary: Duplex | null | undefined, onDead: () => void,
): void {
  const { pid } = child;
  if (pid === undefined) return;
  let isDead = false;
  const dead = (): void => {
    if (!isDead) onDead();
    isDead = true;
  };
  child.once('disconnect', () => {
    if (threadsLeft(pid).length === 0) dead();
  });
  canary?.once('error', () => undefined);
  // What it said before is heard first: perhaps that it leaves in good order.
  canary?.once('close', () => { setImmediate(hurry, child, pid, dead); });
  canary?.resume();
}

/** Has the threads of a process that was killed end, and calls back when they do. */
function hurry(child: ChildProcess, pid: number, onDead: () => void): void {
  const hurried = threadsLeft(pid);
  for (const tid of hurried) promoteThread(tid, hurryPriority);
  const look = (): void => {
    for (let looks = 0; looks < mostLooks && threadsLeft(pid).length > 0; looks += 1) {
      rest(lookEveryMs);
    }
    if (child.exitCode !== null || child.signalCode !== null) return;
    if (threadsLeft(pid).length > 0) return void setTimeout(look, 1);
    // The last of them gives back the memory, which is not urgent.
    for (const tid of hurried) demoteThread(tid);
    onDead();
  };
  look();
}

/** The threads of a process that may still run code of it; none once it is gone. */
export function threadsLeft(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${String(pid)}/task`).map(Number).filter((tid) => !isEnding(pid, tid));
  } catch {
    return [];
  }
}

function isEnding(pid: number, tid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/task/${String(tid)}/stat`, 'utf8');
    // proc(5): the ninth field; the second may have blanks, and ends with the last bracket.
    const flags = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[6]);
    return (flags & PF_EXITING) !== 0;
  } catch {
    return true;
  }
}

const cell = new Int32Array(new SharedArrayBuffer(4));

/** Keeps this thread from running for so long. */
function rest(ms: number): void {
  Atomics.wait(cell, 0, 0, ms);
}
