/** Facts about this host, for Node.js on Linux. */
import { execFile } from 'node:child_process';
import { accessSync, constants, lstatSync, readFileSync, readdirSync, realpathSync, statSync } from
  'node:fs';
import { cpus, networkInterfaces } from 'node:os';
import { basename, dirname, join, normalize } from 'node:path';
import { type Build, parseBuild } from './build.ts';
import type { HostFacts, InterfaceFacts, RoutingNames, ScriptState, UserFacts } from './host.ts';
import { type Version, isAtLeast } from './version.ts';

/** Flags and types of interfaces: linux/if.h and linux/if_arp.h. */
const loopbackFlag = 0x8;
const multicastFlag = 0x1000;
const ethernetType = 1;

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}

function interfacesHere(): ReadonlyMap<string, InterfaceFacts> {
  const addresses = networkInterfaces();
  const first = (name: string, family: 'IPv4' | 'IPv6') =>
    addresses[name]?.find((one) => one.family === family)?.address ?? null;
  return new Map(readdirSync('/sys/class/net').map((name) => {
    const file = (key: string) => readText(join('/sys/class/net', name, key));
    const flags = Number(file('flags'));
    const kind = /^DEVTYPE=(.*)$/m.exec(file('uevent'))?.[1];
    return [name, {
      mtu: Number(file('mtu')),
      loopback: (flags & loopbackFlag) !== 0,
      multicast: (flags & multicastFlag) !== 0,
      ethernet: Number(file('type')) === ethernetType,
      virtual: kind === 'macvlan' || kind === 'ipvlan',
      ipv4: first(name, 'IPv4'),
      ipv6: first(name, 'IPv6'),
    }];
  }));
}

/** A line of /etc/passwd or /etc/group. */
function accountLine(file: string, name: string): readonly string[] | undefined {
  return readText(file).split('\n').map((line) => line.split(':')).find(([first]) => first === name);
}

/** A user of this host. */
export function userHere(name: string): UserFacts | undefined {
  const line = accountLine('/etc/passwd', name);
  return line && { uid: Number(line[2]), gid: Number(line[3]) };
}

/** A group of this host. */
export function groupHere(name: string): number | undefined {
  const line = accountLine('/etc/group', name);
  return line && Number(line[2]);
}

/** Names in iproute2's tables, one `NUMBER NAME` a line. */
export function routingNamesHere(directory = '/etc/iproute2'): RoutingNames {
  const names = (file: string) => new Set(readText(join(directory, file)).split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((words) => words.length === 2 && /^(0x[0-9a-f]+|\d+)$/i.test(words[0] ?? ''))
    .map((words) => words[1] ?? ''));
  return {
    rt_tables: names('rt_tables'),
    rt_dsfield: names('rt_dsfield'),
    rt_protos: names('rt_protos'),
    rt_scopes: names('rt_scopes'),
    rt_realms: names('rt_realms'),
    group: names('group'),
  };
}

function fileHere(path: string): 'missing' | 'file' | 'directory' | 'other' {
  try {
    const stat = statSync(path);
    return stat.isFile() ? 'file' : stat.isDirectory() ? 'directory' : 'other';
  } catch {
    return 'missing';
  }
}

/** Finds a bare command as execvp(3) does. */
function findCommand(command: string): string | undefined {
  if (command.includes('/')) return command;
  const directories = (process.env.PATH ?? '/usr/bin:/bin').split(':');
  return directories.map((directory) => join(directory, command)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return statSync(path).isFile();
    } catch {
      return false;
    }
  });
}

/** `/a/b` is `/`, `/a` and `/a/b`. */
function pathsTo(path: string): string[] {
  return path === '/' ? ['/'] : [...pathsTo(dirname(path)), path];
}

/** Whether anyone but root can change something on the way to a file, links not followed. */
function walk(path: string): ScriptState {
  for (const step of pathsTo(path)) {
    const stat = lstatSync(step);
    const isRight = step === path ? stat.isFile() || stat.isSymbolicLink() : stat.isDirectory();
    if (!isRight) return 'wrong-type';
    const isOpen = stat.isDirectory() ? (stat.mode & 0o1000) === 0 : stat.isFile();
    const isGroupWritable = stat.gid !== 0 && (stat.mode & 0o020) !== 0;
    const isWritable = isOpen && (isGroupWritable || (stat.mode & 0o002) !== 0);
    if (stat.uid !== 0 || isWritable) return 'insecure';
  }
  return 'ok';
}

function isExecutable(mode: number, owner: UserFacts, user: UserFacts): boolean {
  if (user.uid === 0) return (mode & 0o111) !== 0;
  const bit = owner.uid === user.uid ? 0o100 : owner.gid === user.gid ? 0o010 : 0o001;
  return (mode & bit) !== 0;
}

/** Looks at a program as keepalived's check_script_secure does. */
function scriptHere(command: string, user: UserFacts, version: Version): ScriptState {
  try {
    const found = findCommand(command);
    if (found === undefined) return 'missing';
    const real = realpathSync(found);
    const stat = statSync(real);
    if (!isExecutable(stat.mode, stat, user)) return 'not-executable';
    const asRoot = user.uid === 0 || user.gid === 0
      || (stat.uid === 0 && (stat.mode & 0o4100) === 0o4100)
      || (stat.gid === 0 && (stat.mode & 0o2010) === 0o2010);
    if (!asRoot) return 'ok';
    // Up to 2.2.8 directories that are links were resolved before the look; now they are refused.
    const asGiven = isAtLeast(version, '2.3.0') ? normalize(found)
      : join(realpathSync(dirname(found)), basename(found));
    const states = [walk(asGiven), walk(real)];
    return states.find((state) => state === 'wrong-type')
      ?? states.find((state) => state !== 'ok') ?? 'ok';
  } catch {
    return 'missing';
  }
}

/** All that a check can use of this host, as it is now. */
export function factsOfThisHost(): HostFacts {
  return {
    interfaces: interfacesHere(),
    cpus: cpus().length,
    user: userHere,
    group: groupHere,
    script: scriptHere,
    file: fileHere,
    routingNames: routingNamesHere(),
  };
}

/** The keepalived that is installed; undefined if there is none, or if it says nothing in 5 s. */
export async function installedBuild(program = 'keepalived'): Promise<Build | undefined> {
  return await new Promise((resolve) => {
    // It prints its version to standard error.
    execFile(program, ['--version'], { timeout: 5000 }, (error, stdout, stderr) => {
      resolve(parseBuild(`${stdout}${stderr}`));
    });
  });
}
