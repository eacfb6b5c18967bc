/** Short-lived programs: keepalived's questions, ip(8), mkfifo(1). */
import { execFile } from 'node:child_process';
import { type Build, parseBuild } from '../config/build.ts';
import { compareVersions, formatVersion, oldestVersion } from '../config/version.ts';

export interface Ran {
  /** Null if it could not be started, or was killed. */
  readonly code: number | null;
  /** What it printed, on either channel. */
  readonly output: string;
  /** Why it could not be started: ENOENT. */
  readonly error: string | null;
}

const mostOutput = 16 << 20;

/** Runs a program to its end, in a network namespace if one is named. Never rejects. */
export async function runProgram(
  command: readonly string[], netns: string | null = null, input = '',
): Promise<Ran> {
  const [file = '', ...args] = inNamespace(command, netns);
  return new Promise((resolve) => {
    const limits = { timeout: 20_000, killSignal: 'SIGKILL', maxBuffer: mostOutput } as const;
    const child = execFile(file, args, limits, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      resolve({
        code: typeof code === 'number' ? code : null,
        output: `${stdout}${stderr}`.trim(),
        error: typeof code === 'string' ? code : null,
      });
    });
    // It may end before it has read all, or not start.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

/** nsenter(1) becomes what it runs, so that the process id is that of the program itself. */
export function inNamespace(command: readonly string[], netns: string | null): readonly string[] {
  return netns === null ? command : ['nsenter', `--net=${netns}`, '--', ...command];
}

/** keepalived as it is installed here, or a sentence that says what to install. */
export async function findKeepalived(
  program = 'keepalived',
): Promise<{ readonly build: Build } | { readonly error: string }> {
  const install = 'install it (Debian, Ubuntu: apt install keepalived; Fedora, RHEL: dnf install '
    + 'keepalived; Alpine: apk add keepalived)';
  const { output, error } = await runProgram([program, '--version']);
  if (error === 'ENOENT') return { error: `${program} is not installed: ${install}` };
  if (error !== null) return { error: `${program} cannot be run (${error}): ${install}` };
  const build = parseBuild(output);
  if (!build) return { error: `${program} --version tells no version of keepalived: ${install}` };
  if (compareVersions(build.version, oldestVersion) < 0) {
    return {
      error: `${program} is keepalived ${formatVersion(build.version)}, and has to be `
        + `${formatVersion(oldestVersion)} or later: ${install}`,
    };
  }
  return { build };
}
