/**
 * Which labs exist on this machine, and how to be rid of them. A lab's id, `tl<pid>-<n>`, starts
 * the name of each of its namespaces, so that whatever happened to the process that made it, the
 * next one finds what it left.
 */
import { mkdirSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { runSync } from './command.ts';

const registryDir = '/run/tenure-labs';
const namespaceDir = '/run/netns';
const idPattern = /^(tl(\d+)-\d+)-/;

let labsMade = 0;

/** A new lab's id, registered under this process. */
export function register(): string {
  labsMade += 1;
  const id = `tl${process.pid}-${labsMade}`;
  mkdirSync(registryDir, { recursive: true });
  writeFileSync(`${registryDir}/${id}`, startTime(process.pid) ?? '');
  return id;
}

/** Ends every process in the lab's namespaces, removes the namespaces, and forgets the lab. */
export function remove(id: string): void {
  const namespaces = namespacesOf(id);
  for (let round = 0; round < 50; round += 1) {
    const pids = pidsIn(namespaces);
    if (pids.length === 0) break;
    for (const pid of pids) signal(pid, 'SIGKILL');
    if (round > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  }
  if (namespaces.length > 0) {
    runSync(['ip', '-force', '-batch', '-'], namespaces.map((name) => `netns del ${name}\n`).join(''));
  }
  rmSync(`${registryDir}/${id}`, { force: true });
}

/** Removes the labs of processes that are gone. Returns their ids. */
export function removeDead(): string[] {
  const ids = new Set<string>();
  for (const name of list(namespaceDir)) {
    const id = idPattern.exec(name)?.[1];
    if (id !== undefined) ids.add(id);
  }
  for (const id of list(registryDir)) ids.add(id);
  const dead = [...ids].filter((id) => !ownerLives(id));
  for (const id of dead) remove(id);
  return dead;
}

function ownerLives(id: string): boolean {
  const pid = Number(/^tl(\d+)-/.exec(id)?.[1]);
  const started = Number.isInteger(pid) ? startTime(pid) : null;
  if (started === null) return false;
  // A process of the same number that began at another time is another process.
  const registered = read(`${registryDir}/${id}`);
  return registered === null || registered === started;
}

/** Field 22 of /proc/<pid>/stat (proc(5)): identifies a process together with its number. */
export function startTime(pid: number): string | null {
  const stat = read(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}

export function namespacesOf(id: string): string[] {
  return list(namespaceDir).filter((name) => name.startsWith(`${id}-`));
}

/** The processes whose network namespace is one of these. */
export function pidsIn(namespaces: readonly string[]): number[] {
  const wanted = new Set<string>();
  for (const name of namespaces) {
    const inode = inodeOf(`${namespaceDir}/${name}`);
    if (inode !== null) wanted.add(`net:[${inode}]`);
  }
  return list('/proc')
    .filter((name) => /^\d+$/.test(name) && wanted.has(link(`/proc/${name}/ns/net`) ?? ''))
    .map(Number);
}

/** Sends a signal; a process that is gone already is fine. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

// Processes and namespaces vanish while one looks at them: what cannot be read is not there.
function tolerate<T>(read_: () => T): T | null {
  try {
    return read_();
  } catch {
    return null;
  }
}

function list(path: string): string[] {
  return tolerate(() => readdirSync(path)) ?? [];
}

function read(path: string): string | null {
  return tolerate(() => readFileSync(path, 'utf8'));
}

function link(path: string): string | null {
  return tolerate(() => readlinkSync(path));
}

function inodeOf(path: string): number | null {
  return tolerate(() => statSync(path).ino);
}
