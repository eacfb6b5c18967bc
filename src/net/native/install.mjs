// Builds the addon at `npm install`, by one call of the C++ compiler: no Python, no node-gyp, and
// none of Node's own headers. Node-API is the same for every Node version, so one binary serves all.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
const output = join(here, 'build', 'Release');
const binary = join(output, 'tenure_net.node');
const stamp = join(output, 'tenure_net.hash');

const sources = readdirSync(here).filter((name) => name.endsWith('.cc')).sort();
const headers = readdirSync(here).filter((name) => name.endsWith('.h')).sort();
const extra = (process.env.TENURE_NET_CXXFLAGS ?? '').split(' ').filter((flag) => flag !== '');
const flags = [
  '-std=c++17', '-O2', '-g1', '-fPIC', '-shared', '-fvisibility=hidden', '-fstack-protector-strong',
  '-Wall', '-Wextra', '-Werror=return-type',
  '-pthread', '-Wl,-z,nodelete',
  '-DNAPI_VERSION=8', '-DNAPI_CPP_EXCEPTIONS', '-DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
  ...extra,
];

function wanted() {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([process.arch, compilers(), flags, packageOf('node-addon-api').version]));
  for (const name of [...sources, ...headers]) hash.update(`${name}\n`).update(readFileSync(join(here, name)));
  return hash.digest('hex');
}

function packageOf(name) {
  return require(`${name}/package.json`);
}

function compilers() {
  return process.env.CXX ? [process.env.CXX] : ['c++', 'g++', 'clang++'];
}

/** The first compiler that runs, or null. CXX may hold arguments too, such as a cache's name. */
function findCompiler() {
  for (const candidate of compilers()) {
    const [command, ...args] = candidate.split(' ').filter((word) => word !== '');
    if (spawnSync(command, [...args, '--version'], { stdio: 'ignore' }).status === 0) return [command, args];
  }
  return null;
}

function build(hash) {
  const compiler = findCompiler();
  if (compiler === null) {
    console.error(`tenure: its native part needs a C++ compiler, and none was found (tried ${compilers().join(', ')}): `
      + 'apt-get install g++ (Debian, Ubuntu), dnf install gcc-c++ (Fedora, RHEL), then npm install again.');
    return 1;
  }
  mkdirSync(output, { recursive: true });
  const [command, args] = compiler;
  // Written aside and renamed: a running agent may have the old one mapped.
  const fresh = `${binary}.${process.pid}`;
  const result = spawnSync(command, [
    ...args, ...flags,
    '-isystem', require('node-api-headers').include_dir,
    '-isystem', dirname(require.resolve('node-addon-api/package.json')),
    ...sources.map((name) => join(here, name)),
    '-o', fresh,
  ], { stdio: 'inherit' });
  if (result.status !== 0) {
    rmSync(fresh, { force: true });
    console.error('tenure: its native part did not compile (see above); '
      + 'it needs a compiler of C++17 and the headers of Linux (g++ and linux-libc-dev on Debian).');
    return 1;
  }
  renameSync(fresh, binary);
  writeFileSync(stamp, hash);
  return 0;
}

function hasPrebuilt() {
  const folder = join(here, 'prebuilds');
  if (!existsSync(folder)) return false;
  return readdirSync(folder).some((name) => name === `${process.platform}-${process.arch}`);
}

if (process.platform !== 'linux') {
  console.error(`tenure: it uses Linux packet sockets and netlink, and does not run on ${process.platform}.`);
  process.exitCode = 1;
} else if (!hasPrebuilt()) {
  const hash = wanted();
  const upToDate = existsSync(binary) && existsSync(stamp) && readFileSync(stamp, 'utf8') === hash;
  if (!upToDate) process.exitCode = build(hash);
}
