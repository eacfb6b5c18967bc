/** Something that must never be, in a simulated world. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** What a rule keeps from happening: two announcers at a time, or none though all is well. */
export type Harm = 'two' | 'none';

/** What each is called, of the violations. */
export const harms: Readonly<Record<Harm, RegExp>> = {
  two: /two announcers|was announced by/,
  none: /nobody announces/,
};
