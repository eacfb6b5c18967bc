/** Log lines for people: `12:34:56.789 INFO  took an address  eip=192.0.2.1 term=3`. Pure. */

const colourOf: Readonly<Record<string, string>> = {
  error: '\u001b[31m', warn: '\u001b[33m', info: '\u001b[32m', debug: '\u001b[2m',
};
const reset = '\u001b[0m';

/** A JSON line of the logger; one that is no JSON comes back as it is. */
export function formatLine(line: string, colours: boolean): string {
  const entry = parse(line);
  if (entry === null) return line;
  const { level, time, msg, ...fields } = entry;
  const label = String(level).toUpperCase().padEnd(5);
  const shown = Object.entries(fields).map(([key, value]) => `${key}=${valueText(value)}`);
  const head = colours ? `${colourOf[String(level)] ?? ''}${label}${reset}` : label;
  const clock = typeof time === 'string' ? time.slice(11, 23) : String(time);
  return `${clock} ${head} ${typeof msg === 'string' ? msg : ''}${shown.length > 0 ? `  ${shown.join(' ')}` : ''}\n`;
}

function parse(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : null;
  } catch {
    return null;
  }
}

/** Bare where that is unmistakable; control characters never reach the terminal. */
function valueText(value: unknown): string {
  if (typeof value === 'string' && /^[^\s"'=\u0000-\u001f\u007f-\u009f]+$/.test(value)) return value;
  // JSON escapes those below a blank; terminals act on some above ~ too.
  return JSON.stringify(value).replace(/[\u007f-\u009f]/g, (character) =>
    `\\u00${character.charCodeAt(0).toString(16)}`);
}
