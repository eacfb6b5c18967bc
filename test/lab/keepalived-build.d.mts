/** Why there is none, as a sentence that says what to do. */
export class BuildError extends Error {}
export function findNewerKeepalived(): string | null;
export function provideNewerKeepalived(say?: (line: string) => void): string;
