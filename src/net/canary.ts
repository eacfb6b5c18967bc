/** A thread by whose end others learn of this process's death: see native/canary.cc. */
import { loadAddon, SystemError } from './addon.ts';
import { errnoName } from './errno.ts';

/** `fd`, one end of a pipe, closes as the first thing when this process dies. Null, or why not. */
export function startCanary(fd: number): SystemError | null {
  const errno = loadAddon().startCanary(fd);
  if (errno === 0) return null;
  return new SystemError(
    `A file of a thread's own was refused (${errnoName(errno)}).`, errno, 'close_range',
  );
}
