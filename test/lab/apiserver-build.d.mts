/** Why there is no API server, as a sentence that says what to do. */
export class BuildError extends Error {}
export function findProgram(name: string): string | null;
export function findApiServer(): string | null;
export function provideApiServer(say?: (line: string) => void): Promise<string>;
