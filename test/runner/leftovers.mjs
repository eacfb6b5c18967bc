// What a test file may leave on the machine, found and removed: processes, network namespaces and
// nftables tables of the namespace that the tests run from.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';

/** In the environment of a test file's process and of all that it starts. */
export const marker = 'TENURE_TEST_FILE';

/** What is there now, to compare with later. */
export function snapshot() {
  return { namespaces: new Set(namespaces()), tables: new Set(tables()) };
}

/**
 * What is there now and was not at `before`. Each is removed if it is the project's own by its name,
 * or on a machine that is ours alone (CI); someone else's is only told of.
 */
export function clean(before) {
  const ours = (name) => process.env.CI !== undefined || /^(tl\d+-|tenure)/.test(name);
  const left = [];
  const foreign = [];
  for (const name of namespaces()) {
    if (before.namespaces.has(name) || ownerLives(name)) continue;
    (ours(name) ? left : foreign).push(`network namespace ${name}`);
    if (ours(name)) spawnSync('ip', ['netns', 'del', name]);
  }
  for (const table of tables()) {
    if (before.tables.has(table)) continue;
    const isOurs = ours(table.split(' ')[1] ?? '');
    (isOurs ? left : foreign).push(`nftables table ${table}`);
    if (isOurs) spawnSync('nft', ['delete', 'table', ...table.split(' ')]);
  }
  return { left, foreign };
}

/** Processes that carry the marker with this value. */
export function marked(value) {
  const wanted = `${marker}=${value}`;
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    if (!(read(`/proc/${pid}/environ`) ?? '').split('\0').includes(wanted)) return [];
    // Nothing can be done about one that has ended and that nobody waited for.
    if (/^State:\s+Z/m.test(read(`/proc/${pid}/status`) ?? '')) return [];
    const command = (read(`/proc/${pid}/cmdline`) ?? '').split('\0').filter((word) => word !== '');
    return [{ pid: Number(pid), command: command.join(' ').slice(0, 200) }];
  });
}

/** Ends them all; they are gone, or were asked often enough, when it returns. */
export async function endMarked(value) {
  for (let round = 0; round < 50; round += 1) {
    const processes = marked(value);
    if (processes.length === 0) return;
    for (const { pid } of processes) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Gone meanwhile.
      }
    }
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
}

function namespaces() {
  return existsSync('/run/netns') ? readdirSync('/run/netns') : [];
}

/** A lab that some other living process made: its id has that process's number. */
function ownerLives(namespace) {
  const pid = /^tl(\d+)-/.exec(namespace)?.[1];
  return pid !== undefined && existsSync(`/proc/${pid}`);
}

/** As `family name`. */
function tables() {
  const result = spawnSync('nft', ['list', 'tables'], { encoding: 'utf8' });
  return (result.stdout ?? '').split('\n').filter((line) => line !== '').map((line) => line.replace(/^table /, ''));
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
