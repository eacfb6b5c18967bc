/** Names of errno values, as errno(3) has them. */
import { constants } from 'node:os';

const names = new Map<number, string>();
// Backwards, so that of two names for one value (EAGAIN, EWOULDBLOCK) the first stays.
for (const [name, value] of Object.entries(constants.errno).reverse()) names.set(value, name);
// Those that Node does not list, or names otherwise than the kernel's sources do.
for (const [value, name] of [
  [95, 'EOPNOTSUPP'], [524, 'ENOTSUPP'], [85, 'ERESTART'], [76, 'ENOTUNIQ'], [49, 'EUNATCH'],
] as const) names.set(value, name);

/** `ENOENT` for 2; `E<number>` for one without a name here. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? `E${String(errno)}`;
}
