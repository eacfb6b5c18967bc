/** Files of /proc, /sys and /etc that say one thing. */
import { readFileSync } from 'node:fs';

/** Without the white space around it; null: it cannot be read, or is not there. */
export function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
}
