/** Why there is none, as a sentence that says what to do. */
export class BuildError extends Error {}
