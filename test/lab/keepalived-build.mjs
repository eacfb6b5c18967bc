/**
 * A newer keepalived than the host's, to run tests on: built once, from the source package of the
 * Debian release behind, into the user's cache, and found there from then on. `KEEPALIVED_NEWER`
 * names a program to take instead. Needs Debian and root the first time, and takes a minute.
 *
 * Nothing of the host changes but for what the build needs being installed: apt works in
 * directories of its own, with the mirror and keys that the host uses already. No dependencies:
 * `node test/lab/keepalived-build.mjs` prints the path.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  BuildError, cacheDirectory, canInstall, executable, installPackages, runToBuild,
} from './build-cache.mjs';

const release = 'trixie';
/** What it is built with, and the Debian package of each. */
const packages = [
  'dpkg-dev', 'gcc', 'make', 'pkg-config', 'libssl-dev', 'libnl-3-dev', 'libnl-genl-3-dev',
];
const configure = [
  '--sysconfdir=/etc', '--enable-json', '--enable-bfd', '--disable-nftables', '--disable-iptables',
];
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Whatever is built otherwise is another program. */
const recipe = createHash('sha256')
  .update(readFileSync(fileURLToPath(import.meta.url))).digest('hex').slice(0, 12);

/** Its path if it was built before, else null. */
export function findNewerKeepalived() {
  const given = process.env.KEEPALIVED_NEWER;
  if (given !== undefined && given !== '') {
    if (executable(given)) return given;
    throw new BuildError(`KEEPALIVED_NEWER is ${given}, which is no program: unset it, or correct it`);
  }
  if (!existsSync(cacheDirectory())) return null;
  const built = readdirSync(cacheDirectory())
    .filter((name) => name.startsWith('keepalived-') && name.endsWith(`-${recipe}`)).sort();
  return built.length === 0 ? null : join(cacheDirectory(), built.at(-1));
}

/** Its path, after building it if need be. `say` gets lines of progress. Throws BuildError. */
export function provideNewerKeepalived(say = (line) => process.stderr.write(`${line}\n`)) {
  const found = findNewerKeepalived();
  if (found !== null) return found;
  const work = mkdtempSync(join(tmpdir(), 'keepalived-build-'));
  try {
    return build(work, say);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function build(work, say) {
  if (!canInstall()) {
    throw new BuildError('a newer keepalived is built from Debian\'s sources, as root: run it there, '
      + 'or set KEEPALIVED_NEWER to one');
  }
  const apt = ownApt(work, mirror());
  say(`keepalived: building that of Debian ${release}, once; this takes a minute`);
  run('apt-get', [...apt, 'update', '-q'], work);
  installPackages('keepalived', packages, say);
  run('apt-get', [...apt, 'source', '-q', '--download-only', 'keepalived'], work);
  const [description] = readdirSync(work).filter((name) => name.endsWith('.dsc'));
  const version = /^keepalived_(\d+(?:\.\d+)+)/.exec(description ?? '')?.[1];
  if (version === undefined) throw new BuildError(`Debian ${release} has no keepalived that can be read`);
  const source = join(work, 'source');
  run('dpkg-source', ['--extract', description, source], work);
  // Niced: a build is no reason to disturb whatever else the machine does.
  run('nice', ['-n', '19', './configure', ...configure], source);
  run('nice', ['-n', '19', 'make', '-j2'], source);
  const target = join(cacheDirectory(), `keepalived-${version}-${recipe}`);
  mkdirSync(cacheDirectory(), { recursive: true });
  copyFileSync(join(source, 'bin/keepalived'), `${target}.${process.pid}`);
  renameSync(`${target}.${process.pid}`, target);
  say(`keepalived ${version}: built, ${target}`);
  return target;
}

/** Where this host gets Debian from. */
function mirror() {
  const format = '$(SITE)|$(ORIGIN)|$(LABEL)|$(COMPONENT)';
  const { stdout } = spawnSync('apt-get', ['indextargets', '--format', format], { encoding: 'utf8' });
  const [site] = stdout.split('\n').filter((line) => line.endsWith('|Debian|Debian|main'));
  if (site === undefined) {
    throw new BuildError('a newer keepalived is built from Debian\'s sources, and this host has no '
      + 'mirror of Debian: set KEEPALIVED_NEWER to one');
  }
  return site.split('|')[0];
}

/** Options by which apt has lists of its own, and does not look at what is installed. */
function ownApt(work, site) {
  for (const directory of ['lists/partial', 'cache/archives/partial']) {
    mkdirSync(join(work, directory), { recursive: true });
  }
  writeFileSync(join(work, 'status'), '');
  writeFileSync(join(work, 'sources'), `deb-src [signed-by=${keyring}] ${site} ${release} main\n`);
  const options = {
    'Dir::Etc::SourceList': 'sources', 'Dir::State::Lists': 'lists', 'Dir::State::status': 'status',
    'Dir::Cache': 'cache',
  };
  return [
    ...Object.entries(options).flatMap(([name, file]) => ['-o', `${name}=${join(work, file)}`]),
    '-o', 'Dir::Etc::SourceParts=/dev/null', '-o', 'APT::Sandbox::User=root',
  ];
}

function run(command, args, cwd) {
  runToBuild('keepalived', command, args, { cwd });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.stdout.write(`${provideNewerKeepalived()}\n`);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
