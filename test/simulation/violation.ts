/** Something that must never be, in a simulated world. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** What two announcers are called, of the violations: the others are about coming to rest. */
export const unsafe = /two announcers|was announced by/;
