/** Asked anew each time: the compiler takes `aborted` to stay what it was before an await. */
export function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
