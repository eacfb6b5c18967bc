export function findProgram(name: string): string | null;
export function findApiServer(): string | null;
export function provideApiServer(say?: (line: string) => void): Promise<string>;
