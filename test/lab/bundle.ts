/**
 * The lab's helper processes are TypeScript, but each new one started through a loader costs a
 * third of a second of CPU; a lab has five. So each is bundled once, and started by plain Node.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const cacheDir = join(root, 'node_modules/.cache/tenure-lab');
const made = new Map<string, Promise<string>>();

/** The path of a plain JavaScript file that does what the TypeScript file `entry` does. */
export async function bundled(entry: URL): Promise<string> {
  const source = fileURLToPath(entry);
  const known = made.get(source);
  if (known !== undefined) return known;
  const making = bundle(source);
  made.set(source, making);
  return making;
}

async function bundle(source: string): Promise<string> {
  const name = basename(source, '.ts');
  const output = join(cacheDir, `${name}.mjs`);
  const stamp = join(cacheDir, `${name}.json`);
  if (existsSync(output) && isFresh(stamp)) return output;

  const esbuild = await import('esbuild');
  const result = await esbuild.build({
    entryPoints: [source], bundle: true, platform: 'node', format: 'esm', target: 'node20',
    packages: 'external', write: false, metafile: true, absWorkingDir: root, logLevel: 'silent',
    outfile: output, plugins: [{ name: 'keep-import-meta-url', setup: keepImportMetaUrl }],
  });
  const inputs = Object.keys(result.metafile.inputs).map((path) => join(root, path));
  mkdirSync(cacheDir, { recursive: true });
  // Other test processes may do the same at this moment: each file appears in one piece.
  replace(output, result.outputFiles[0]!.text);
  replace(stamp, JSON.stringify(Object.fromEntries(inputs.map((path) => [path, digest(path)]))));
  return output;
}

/** Modules that look for files beside themselves (the native addon) must still find them. */
function keepImportMetaUrl(build: import('esbuild').PluginBuild): void {
  build.onLoad({ filter: /[\\/]src[\\/]net[\\/].*\.ts$/ }, async ({ path }) => ({
    contents: (await readFile(path, 'utf8'))
      .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href)),
    loader: 'ts',
    resolveDir: dirname(path),
  }));
}

function isFresh(stamp: string): boolean {
  try {
    const inputs = Object.entries(JSON.parse(readFileSync(stamp, 'utf8')) as Record<string, string>);
    return inputs.every(([path, hash]) => digest(path) === hash);
  } catch {
    return false;
  }
}

function digest(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

function replace(path: string, text: string): void {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}
