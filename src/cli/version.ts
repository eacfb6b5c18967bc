/** Tenure's version, from package.json. */
import { readFileSync } from 'node:fs';

export function version(): string {
  // The same place from src/cli and from dist/cli.
  const file = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version: text } = JSON.parse(file) as { version: string };
  return text;
}
