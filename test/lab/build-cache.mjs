// What is built once for the tests and kept in the user's cache. No dependencies: it also runs
// before `npm ci` has.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Why there is none, as a sentence that says what to do. */
export class BuildError extends Error {
  name = 'BuildError';
}

export function cacheDirectory() {
  const base = process.env.XDG_CACHE_HOME;
  return join(base !== undefined && base !== '' ? base : join(homedir(), '.cache'), 'tenure');
}

export function executable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Whether `installPackages` can be called here. */
export function canInstall() {
  return process.getuid?.() === 0 && spawnSync('apt-get', ['--version']).error === undefined;
}

/** Installs those Debian or Ubuntu packages that are missing; `what` begins messages. */
export function installPackages(what, names, say) {
  const missing = names.filter((name) => {
    const { stdout } = spawnSync('dpkg-query', ['-W', '-f', '${Status}', name], { encoding: 'utf8' });
    return !stdout.includes('install ok installed');
  });
  if (missing.length === 0) return;
  say(`${what}: installing with apt-get: ${missing.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  runToBuild(what, 'apt-get', ['update', '-q'], { cwd: '/', env });
  runToBuild(what, 'apt-get', ['install', '-y', '-q', '--no-install-recommends', ...missing], { cwd: '/', env });
}

/** Throws BuildError with the end of what it printed, if it fails. */
export function runToBuild(what, command, args, options) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8', maxBuffer: 64 << 20, timeout: 600_000, ...options,
  });
  if (status === 0) return;
  const said = `${stdout ?? ''}${stderr ?? ''}`.trimEnd().split('\n').slice(-15).join('\n');
  throw new BuildError(`${what} could not be built (${command} ${args.at(-1)}: `
    + `${error?.message ?? `exit code ${String(status)}`}):\n${said}`);
}
