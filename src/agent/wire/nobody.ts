/** The announcer of a witness: it holds nothing, and so never claims anything. */
import type { Announcer } from '../../announce/types.ts';

export const nobody: Announcer = {
  configure: () => undefined,
  arm: () => undefined,
  announce: (announcements) => {
    const [first] = announcements;
    if (first !== undefined) throw new Error(`a witness was told to announce ${first.eip}`);
  },
  withdraw: () => undefined,
  counters: () => ({
    claimsSent: 0, questionsAnswered: 0, framesDropped: {}, sendErrors: {},
    conflicts: 0, defences: 0,
  }),
  close: () => undefined,
};
