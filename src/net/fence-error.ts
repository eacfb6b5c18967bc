import { SystemError } from './addon.ts';
import { NetlinkError } from './netlink-socket.ts';

/**
 * The fence could not be brought into the state that was asked for: what it held before still
 * stands, all of it. `code`: the errno's name (`EPERM`: no privileges, `EOPNOTSUPP`: the kernel
 * lacks nf_tables), `not-managed` (an address was to be held that is not managed), `bad-input`, or
 * `removed` (the fence is used after `remove`).
 */
export class FenceError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'FenceError';
    this.code = code;
  }
}

/** Errors of the kernel as FenceError; any other (a bug) as it is. */
export function fenceError(error: unknown, doing: string): unknown {
  if (!(error instanceof NetlinkError) && !(error instanceof SystemError)) return error;
  const advice = error.code === 'EPERM' || error.code === 'EACCES'
    ? ' Run the agent as root, or give it CAP_NET_ADMIN.'
    : '';
  return new FenceError(error.code, `fence: ${doing}: ${error.message}${advice}`, { cause: error });
}
