/**
 * Where the Kubernetes API server of the tests comes from. `KUBEBUILDER_ASSETS` names a directory
 * that holds `kube-apiserver` (and perhaps `etcd` and `kubectl`); without it, the Go module in
 * test/cluster/apiserver is built once into the user's cache, which takes minutes, and is found
 * there from then on. A change of the module's files makes another one.
 *
 * No dependencies: this also runs before `npm ci` has, as `node test/lab/apiserver-build.mjs`.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { BuildError, cacheDirectory, canInstall, executable, installPackages } from './build-cache.mjs';

const module = join(dirname(fileURLToPath(import.meta.url)), '../cluster/apiserver');
const moduleFiles = ['go.mod', 'go.sum', 'main.go'];
/** The Go that the module is built with if the one at hand is too old to fetch a newer by itself. */
const goForOldHosts = '1.24.13';

function version() {
  const line = /k8s\.io\/kubernetes (v\d+\.\d+\.\d+)/.exec(readFileSync(join(module, 'go.mod'), 'utf8'));
  if (line?.[1] === undefined) throw new BuildError(`${module}/go.mod requires no k8s.io/kubernetes`);
  return line[1];
}

function builtPath() {
  const hash = createHash('sha256');
  for (const file of moduleFiles) hash.update(file).update(readFileSync(join(module, file)));
  return join(cacheDirectory(), `kube-apiserver-${version()}-${hash.digest('hex').slice(0, 12)}`);
}

function onPath(name) {
  const directories = (process.env.PATH ?? '').split(delimiter).filter((part) => part !== '');
  return directories.map((part) => join(part, name)).find(executable) ?? null;
}

/** A program of the test environment: from KUBEBUILDER_ASSETS, else from PATH; null: not there. */
export function findProgram(name) {
  const assets = process.env.KUBEBUILDER_ASSETS;
  if (assets !== undefined && assets !== '' && executable(join(assets, name))) return join(assets, name);
  return onPath(name);
}

/** The API server's path if nothing has to be built for it, else null. */
export function findApiServer() {
  const assets = process.env.KUBEBUILDER_ASSETS;
  if (assets !== undefined && assets !== '') {
    const path = join(assets, 'kube-apiserver');
    if (executable(path)) return path;
    throw new BuildError(`KUBEBUILDER_ASSETS is ${assets}, where no kube-apiserver is: unset it, or correct it`);
  }
  return executable(builtPath()) ? builtPath() : null;
}

/** The API server's path, after building it if need be. `say` gets lines of progress. */
export async function provideApiServer(say = (line) => process.stderr.write(`${line}\n`)) {
  const found = findApiServer();
  if (found !== null) return found;
  const target = builtPath();
  mkdirSync(cacheDirectory(), { recursive: true });
  return exclusively(`${target}.lock`, say, async () => {
    if (!executable(target)) await build(target, say);
    return target;
  });
}

/** One build at a time: the second waits for the first, and takes over if that one died. */
async function exclusively(lock, say, work) {
  for (let waited = 0; ; waited += 1) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const owner = Number(readIfThere(lock));
    if (!Number.isInteger(owner) || owner <= 0 || !existsSync(`/proc/${owner}`)) {
      rmSync(lock, { force: true });
      continue;
    }
    if (waited % 30 === 0) say(`kube-apiserver: process ${owner} is building it; waiting`);
    await sleep(1000);
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

async function build(target, say) {
  const { go, environment } = findGo(say);
  const [major, minor] = version().slice(1).split('.');
  const info = 'k8s.io/component-base/version';
  const flags = `-s -w -X ${info}.gitVersion=${version()} -X ${info}.gitMajor=${major} -X ${info}.gitMinor=${minor}`;
  const started = Date.now();
  const elapsed = () => `${Math.round((Date.now() - started) / 1000)} s`;
  say(`kube-apiserver ${version()}: building it with ${go}, once, into ${target}; this takes some minutes`);
  const ticker = setInterval(() => say(`kube-apiserver: still building, ${elapsed()}`), 30_000);
  const unfinished = `${target}.${process.pid}`;
  try {
    // Niced: a build is no reason to disturb whatever else the machine does.
    await run('nice', ['-n', '19', go, 'build', '-mod=readonly', '-trimpath', '-buildvcs=false',
      '-ldflags', flags, '-o', unfinished, '.'], { CGO_ENABLED: '0', ...environment });
    renameSync(unfinished, target);
  } finally {
    clearInterval(ticker);
    rmSync(unfinished, { force: true });
  }
  say(`kube-apiserver: built in ${elapsed()}`);
}

async function run(command, args, env) {
  const child = spawn(command, args, { cwd: module, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => { said = (said + text).slice(-4000); });
  }
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new BuildError(`kube-apiserver could not be built (${args.slice(2, 4).join(' ')}: exit code ${code}):\n${said}`);
}

/** A `go` command that can build the module: Go 1.21 and later fetch what go.mod asks for. */
function findGo(say) {
  const there = () => onPath('go') ?? ['/usr/local/go/bin/go', '/usr/lib/go/bin/go'].find(executable);
  if (there() === undefined && canInstall()) installPackages('kube-apiserver', ['golang-go', 'ca-certificates'], say);
  const go = there();
  if (go === undefined) {
    throw new BuildError('the tests against Kubernetes build an API server, and need Go for it: '
      + 'apt-get install golang-go (any version from 1.19 on), or set KUBEBUILDER_ASSETS to a '
      + 'directory that holds kube-apiserver and etcd');
  }
  const said = spawnSync(go, ['version'], { encoding: 'utf8' }).stdout ?? '';
  const found = /go(\d+)\.(\d+)/.exec(said);
  const minor = found?.[1] === '1' ? Number(found[2]) : Number.NaN;
  if (minor >= 24) return { go, environment: {} };
  const toolchain = spawnSync(go, ['env', 'GOTOOLCHAIN'], { encoding: 'utf8' }).stdout ?? '';
  if (minor >= 21 && !toolchain.includes('local')) return { go, environment: {} };
  if (Number.isNaN(minor)) throw new BuildError(`${go} version says ${JSON.stringify(said)}: not a Go 1.x`);
  // GOROOT, where it is set, is that of the old one.
  return { go: fetchGo(go, say), environment: { GOROOT: undefined, GOTOOLCHAIN: 'local' } };
}

/**
 * A Go toolchain is itself a Go module, so that an old Go can download a new one, checked against
 * the module checksum database. What Go 1.21 and later then do by themselves is done here: restore
 * the go.mod files, which module archives cannot hold, and make programs executable
 * (go.dev/doc/toolchain, cmd/go/internal/toolchain).
 */
function fetchGo(oldGo, say) {
  const home = join(cacheDirectory(), `go-${goForOldHosts}`);
  const go = join(home, 'bin/go');
  if (executable(go)) return go;
  const arch = spawnSync(oldGo, ['env', 'GOARCH'], { encoding: 'utf8' }).stdout.trim();
  const name = `golang.org/toolchain@v0.0.1-go${goForOldHosts}.linux-${arch}`;
  say(`kube-apiserver: ${oldGo} is too old to build it; downloading Go ${goForOldHosts}`);
  const download = spawnSync(oldGo, ['mod', 'download', '-json', name],
    { encoding: 'utf8', cwd: '/', env: { ...process.env, GO111MODULE: 'on' } });
  const directory = /"Dir": "([^"]+)"/.exec(download.stdout ?? '')?.[1];
  if (download.status !== 0 || directory === undefined) {
    throw new BuildError(`${name} could not be downloaded: ${download.stdout}${download.stderr}`);
  }
  const unfinished = `${home}.${process.pid}`;
  cpSync(directory, unfinished, { recursive: true });
  for (const entry of readdirSync(unfinished, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    if (entry.isDirectory()) chmodSync(path, 0o755);
    else if (entry.name === '_go.mod') renameSync(path, join(dirname(path), 'go.mod'));
    else if (/^(bin|pkg\/tool)\//.test(path.slice(unfinished.length + 1))) chmodSync(path, 0o755);
  }
  renameSync(unfinished, home);
  return go;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.stdout.write(`${await provideApiServer()}\n`);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
