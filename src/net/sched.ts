/** The scheduling class of the calling thread (sched(7)); other threads keep theirs. */
import { loadAddon, SystemError } from './addon.ts';
import { errnoName } from './errno.ts';

const SCHED_OTHER = 0;
const SCHED_FIFO = 1;

export interface Scheduling {
  readonly realtime: boolean;
  /** 1 to 99 under a real-time class, else 0. */
  readonly priority: number;
  /** Threads and processes that it starts are ordinary ones. */
  readonly resetOnFork: boolean;
}

/**
 * Puts the calling thread under SCHED_FIFO: it runs as soon as it has something to do. Null, or why
 * it may not (EPERM: no CAP_SYS_NICE, and RLIMIT_RTPRIO is below `priority`), which costs
 * punctuality and nothing else.
 */
export function requestRealtime(priority: number): SystemError | null {
  const errno = loadAddon().setScheduler(SCHED_FIFO, priority, true);
  if (errno === 0) return null;
  const code = errnoName(errno);
  const advice = code === 'EPERM'
    ? ': it needs root, CAP_SYS_NICE, or LimitRTPRIO in the systemd unit'
    : '';
  return new SystemError(
    `SCHED_FIFO at priority ${priority} was refused (${code})${advice}.`, errno, 'sched_setscheduler',
  );
}

/**
 * Bounds what real-time threads of this process can do to the machine: SIGXCPU after `softMs` of
 * running without a wait, death after `hardMs`. For good: limits may not be raised again. Null, or
 * why not.
 */
export function limitRealtime(softMs: number, hardMs: number): SystemError | null {
  const errno = loadAddon().limitRealtime(softMs, hardMs);
  if (errno === 0) return null;
  return new SystemError(
    `A limit for real-time threads was refused (${errnoName(errno)}).`, errno, 'setrlimit',
  );
}

/**
 * The kernel signals (SIGXCPU) when a thread at real-time priority has run for so long without
 * waiting for anything, so that the priority can be taken back. If that cannot be, the kernel kills
 * the process. The most that is done in one go, a takeover of 10,000 addresses, takes 0.5 s. A
 * child inherits limits, and cannot raise them: so supervisor and agent have the same.
 */
const longestRunMs = 1500;
const fatalRunMs = 4000;

/** As `requestRealtime`, within those limits. Null, or why not. */
export function requestBoundedRealtime(priority: number): SystemError | null {
  return limitRealtime(longestRunMs, fatalRunMs) ?? requestRealtime(priority);
}

/** Puts another thread, of this process or another, under SCHED_FIFO. Null, or why not. */
export function promoteThread(tid: number, priority: number): SystemError | null {
  const errno = loadAddon().setSchedulerOf(tid, SCHED_FIFO, priority);
  if (errno === 0) return null;
  return new SystemError(
    `SCHED_FIFO was refused (${errnoName(errno)}).`, errno, 'sched_setscheduler',
  );
}

/** Makes another thread, of this process or another, an ordinary one. Null, or why not. */
export function demoteThread(tid: number): SystemError | null {
  const errno = loadAddon().setSchedulerOf(tid, SCHED_OTHER, 0);
  if (errno === 0) return null;
  return new SystemError(
    `SCHED_OTHER was refused (${errnoName(errno)}).`, errno, 'sched_setscheduler',
  );
}

/** Back to an ordinary thread. Null, or why not. */
export function leaveRealtime(): SystemError | null {
  const errno = loadAddon().setScheduler(SCHED_OTHER, 0, false);
  if (errno === 0) return null;
  return new SystemError(
    `SCHED_OTHER was refused (${errnoName(errno)}).`, errno, 'sched_setscheduler',
  );
}

export function currentScheduling(): Scheduling {
  const [policy, priority, resetOnFork] = loadAddon().scheduler();
  // SCHED_FIFO and SCHED_RR.
  return { realtime: policy === 1 || policy === 2, priority, resetOnFork: resetOnFork === 1 };
}
