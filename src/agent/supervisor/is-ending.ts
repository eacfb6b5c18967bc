/** Whether a process runs no code any more, though it is not gone yet. */
import { readdirSync, readFileSync } from 'node:fs';

/** linux/sched.h: set as the first thing that a thread does when it ends. */
const PF_EXITING = 0x4;

/** True as well if it is gone. */
export function isEnding(pid: number): boolean {
  try {
    return readdirSync(`/proc/${String(pid)}/task`).every((tid) => {
      const stat = readFileSync(`/proc/${String(pid)}/task/${tid}/stat`, 'utf8');
      // proc(5): the ninth field; the second may have blanks, and ends with the last bracket.
      const flags = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[6]);
      return (flags & PF_EXITING) !== 0;
    });
  } catch {
    return true;
  }
}
