export function findNewerKeepalived(): string | null;
export function provideNewerKeepalived(say?: (line: string) => void): string;
