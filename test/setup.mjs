// Makes a clean checkout ready to run: system packages, node_modules, the native addon, dist.
// Plain Node without dependencies, since it runs before there are any. Whatever is there already
// is left as it is; what is done is said in one line.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync, constants, existsSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Programs, the Debian or Ubuntu package that has each, and what it is for. */
const tools = [
  { program: 'g++', package: 'g++', for: ['build'] },
  { program: 'ip', package: 'iproute2', for: ['lab'] },
  { program: 'nft', package: 'nftables', for: ['lab'] },
  { program: 'nsenter', package: 'util-linux', for: ['lab'] },
  { program: 'ping', package: 'iputils-ping', for: ['lab'] },
  { program: 'etcd', package: 'etcd-server', for: ['store', 'demo'] },
  { program: 'etcdctl', package: 'etcd-client', for: ['store'] },
  { program: 'openssl', package: 'openssl', for: ['store'] },
  { program: 'tcpdump', package: 'tcpdump', for: ['test'] },
  { program: 'keepalived', package: 'keepalived', for: ['test'] },
];

/** What each purpose brings with it. */
const purposes = {
  build: ['build'],
  test: ['build', 'lab', 'store', 'test'],
  demo: ['build', 'lab', 'demo'],
  bench: ['build', 'lab', 'store', 'test'],
};

export class SetupError extends Error {}

/**
 * Makes ready for a purpose (`build`, `test`, `demo`, `bench`). `say` gets one line for each thing
 * done. Returns the programs that are missing and could not be installed; throws SetupError if the
 * checkout itself cannot be made to work.
 */
export function prepare(purpose, say) {
  const missing = installPackages(purposes[purpose], say);
  installModules(say);
  buildAddon(say);
  buildDist(say);
  return missing;
}

export function hasProgram(name) {
  // /usr/sbin is not on every user's path.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function installPackages(wanted, say) {
  const missing = tools.filter((tool) => tool.for.some((use) => wanted.includes(use)) && !hasProgram(tool.program));
  if (missing.length === 0) return [];
  const packages = [...new Set(missing.map((tool) => tool.package))];
  const names = missing.map((tool) => tool.program);
  if (process.platform !== 'linux' || process.getuid() !== 0 || !hasProgram('apt-get')) {
    say(`Not installed: ${names.join(', ')} (with root on Debian or Ubuntu this would do it: apt-get install ${packages.join(' ')})`);
    return names;
  }
  say(`Installing with apt-get: ${packages.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  withoutServices(() => {
    run('apt-get', ['update', '-q'], { env });
    run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], { env });
  });
  // Nor are they to start at the next boot: nobody asked for an etcd on this machine.
  if (existsSync('/run/systemd/system')) {
    for (const [name, service] of [['etcd-server', 'etcd'], ['keepalived', 'keepalived']]) {
      if (packages.includes(name)) spawnSync('systemctl', ['disable', '--now', service], { stdio: 'ignore' });
    }
  }
  return names.filter((name) => !hasProgram(name));
}

/** While `work` runs, packages start no services (invoke-rc.d(8): exit code 101 forbids it). */
function withoutServices(work) {
  const policy = '/usr/sbin/policy-rc.d';
  if (existsSync(policy)) {
    work();
    return;
  }
  const remove = () => rmSync(policy, { force: true });
  process.once('exit', remove);
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    work();
  } finally {
    remove();
    process.off('exit', remove);
  }
}

/** The least there must be: node_modules as package-lock.json says. Throws SetupError. */
export function installModules(say) {
  const why = staleModules();
  if (why === null) return;
  say(`Installing packages with npm ci (${why})`);
  run('npm', ['ci', '--no-audit', '--no-fund']);
}

/** Why node_modules is not what package-lock.json says; null if it is. */
function staleModules() {
  const installed = readJson(join(root, 'node_modules/.package-lock.json'));
  if (installed === null) return 'node_modules is not there';
  const locked = readJson(join(root, 'package-lock.json'));
  if (locked === null) throw new SetupError('package-lock.json cannot be read');
  for (const [path, wanted] of Object.entries(locked.packages)) {
    if (path === '') continue;
    const got = installed.packages[path];
    // Optional packages of other platforms are not installed.
    if (got === undefined && wanted.optional) continue;
    if (got?.version !== wanted.version || !existsSync(join(root, path))) return `${path} is not as locked`;
  }
  return null;
}

function buildAddon(say) {
  const binary = join(root, 'src/net/native/build/Release/tenure_net.node');
  const before = existsSync(binary) ? statSync(binary).mtimeMs : 0;
  // It looks by itself whether anything has changed.
  run(process.execPath, [join(root, 'src/net/native/install.mjs')]);
  if (existsSync(binary) && statSync(binary).mtimeMs !== before) say('Built the native addon');
}

function buildDist(say) {
  const dist = join(root, 'dist');
  const stamp = sourcesStamp();
  const stampFile = join(dist, '.stamp');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;
  say('Building dist');
  // Aside and then swapped in: whatever is deleted in src goes, and a running agent sees one or the other.
  const fresh = join(root, `dist.${process.pid}`);
  const old = join(root, `dist.old.${process.pid}`);
  try {
    run(process.execPath, [join(root, 'src/build.mjs'), fresh]);
    writeFileSync(join(fresh, '.stamp'), stamp);
    if (existsSync(dist)) renameSync(dist, old);
    renameSync(fresh, dist);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
    rmSync(old, { recursive: true, force: true });
  }
}

function sourcesStamp() {
  const hash = createHash('sha256');
  const add = (path) => hash.update(`${path}\n`).update(readFileSync(join(root, path)));
  for (const name of ['package-lock.json', 'tsconfig.json', 'src/build.mjs']) add(name);
  const files = readdirSync(join(root, 'src'), { recursive: true }).filter((name) => name.endsWith('.ts'));
  for (const name of files.sort()) add(join('src', name));
  return hash.digest('hex');
}

/** Shows what the command printed only if it fails. */
function run(command, args, options = {}) {
  const result = spawnSync(command, args, {
    cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 28, ...options,
  });
  if (result.status === 0) return;
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}`.trimEnd();
  const how = result.error?.message ?? (result.signal ? `ended by ${result.signal}` : `exit code ${result.status}`);
  throw new SetupError(`${command.split('/').at(-1)} ${args.join(' ')} failed (${how}):\n${output}`);
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}

/** Why this Node cannot run it; null if it can. */
export function unfitNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major > 20 || (major === 20 && minor >= 19) ? null : `Node ${process.version} is too old: 20.19 or newer is needed.`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const purpose = process.argv[2] ?? 'test';
  const unfit = unfitNode();
  if (unfit !== null || !(purpose in purposes)) {
    console.error(unfit ?? `${purpose} is none of ${Object.keys(purposes).join(', ')}`);
    process.exit(2);
  }
  try {
    const missing = prepare(purpose, (line) => console.log(line));
    console.log(missing.length === 0 ? 'Ready.' : `Ready, but for ${missing.join(', ')}.`);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}
