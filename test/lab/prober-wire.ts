/** What the prober and the echo of the nodes have agreed on. */
export const echoPort = 7007;
/** A question is the packet's number, big-endian; an answer is the same and the node's name. */
export const numberLength = 4;
/**
 * SCHED_FIFO: what measures is not to wait for what it measures. Both sleep most of the time, and
 * where it is refused they are less punctual, which the prober sees and reports.
 */
export const measuringPriority = 2;
