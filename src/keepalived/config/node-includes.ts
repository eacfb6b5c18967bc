/** Finds the files of an include, for Node.js: glob(3) with braces, as keepalived uses it. */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { IncludeMatch, IncludedFile } from './lines/include.ts';

/** `a{b,c}d` is `abd` and `acd`. */
function expandBraces(pattern: string): string[] {
  const open = pattern.indexOf('{');
  if (open < 0) return [pattern];
  let depth = 0;
  const cuts = [open];
  for (let index = open; index < pattern.length; index += 1) {
    const char = pattern[index];
    if (char === '{') depth += 1;
    if (char === ',' && depth === 1) cuts.push(index);
    if (char === '}') depth -= 1;
    if (depth > 0) continue;
    cuts.push(index);
    const [head, tail] = [pattern.slice(0, open), pattern.slice(index + 1)];
    return cuts.slice(1).flatMap((end, part) =>
      expandBraces(`${head}${pattern.slice((cuts[part] ?? 0) + 1, end)}${tail}`));
  }
  return [pattern];
}

const wildcards = /[*?[]/;

/** One part of a path as a regular expression. */
function partExpression(part: string): RegExp {
  const source = part.replace(/\[!?[^\]]+\]|[*?]|[.+^${}()|\\/\]]|\[/g, (found) => {
    if (found === '*') return '[^/]*';
    if (found === '?') return '[^/]';
    return found.startsWith('[') && found.length > 1 ? found.replace(/^\[!/, '[^') : `\\${found}`;
  });
  return new RegExp(`^${source}$`);
}

/** Paths that match a pattern without braces, in order. */
function expandWildcards(
  pattern: string, directory: string,
): { paths: string[]; missing: boolean } {
  const parts = pattern.split('/').filter((part) => part !== '');
  let paths = [pattern.startsWith('/') ? '/' : ''];
  let missing = false;
  for (const part of parts) {
    if (!wildcards.test(part)) {
      const next = paths.map((path) => join(path, part));
      paths = next.filter((path) => existsSync(resolve(directory, path)));
      missing ||= paths.length < next.length;
      continue;
    }
    const expression = partExpression(part);
    paths = paths.flatMap((path) => {
      try {
        return readdirSync(resolve(directory, path === '' ? '.' : path))
          .filter((name) => expression.test(name) && (!name.startsWith('.') || part.startsWith('.')))
          .sort().map((name) => join(path, name));
      } catch {
        missing = true;
        return [];
      }
    });
  }
  return { paths, missing };
}

/** Reads one file if keepalived would read it: no directory, no program. */
export function readConfigurationFile(path: string): IncludedFile {
  try {
    const stat = statSync(path);
    if (stat.isDirectory()) return { path, problem: 'is a directory' };
    if (!stat.isFile()) return { path, problem: 'is no regular file' };
    if ((stat.mode & 0o111) !== 0) return { path, problem: 'is executable, so keepalived does not read it' };
    return { path, text: readFileSync(path, 'utf8') };
  } catch (error) {
    return { path, problem: problemOf(error) };
  }
}

function problemOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'no code';
  switch (code) {
    case 'ENOENT': case 'ENOTDIR': return 'does not exist';
    case 'EACCES': case 'EPERM': return 'may not be read by this user';
    default: return `cannot be read (${code})`;
  }
}

/** Reads the files of an include; patterns are relative to the file that holds it. */
export function includeFromDisk(pattern: string, from: string): IncludeMatch {
  const directory = dirname(resolve(from));
  const found = expandBraces(pattern).map((one) => expandWildcards(one, directory));
  const paths = found.flatMap((one) => one.paths);
  return {
    files: paths.map((path) => readConfigurationFile(resolve(directory, path))),
    missing: found.some(({ missing }) => missing),
    wildcard: wildcards.test(pattern),
  };
}
