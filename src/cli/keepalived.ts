/** `tenure keepalived lint`: what keepalived would say of a configuration of its own. */
import { dirname, resolve } from 'node:path';
import { Command, Option } from 'commander';
import type { Build } from '../keepalived/config/build.ts';
import { type Finding, formatFinding } from '../keepalived/config/finding.ts';
import { factsOfThisHost, installedBuild } from '../keepalived/config/node-host.ts';
import { includeFromDisk, readConfigurationFile } from '../keepalived/config/node-includes.ts';
import { read } from '../keepalived/config/read/read.ts';
import {
  type Version, compareVersions, formatVersion, newestVersion, oldestVersion, parseVersion,
} from '../keepalived/config/version.ts';
import type { CliContext } from './context.ts';
import { CliError, exitCodes, usage } from './context.ts';
import { structured } from './output.ts';

interface LintFlags {
  readonly keepalivedVersion?: string;
  readonly host?: true;
  readonly id?: string;
  readonly output: 'text' | 'json';
}

export function keepalivedCommand(context: CliContext): Command {
  const lint = new Command('lint')
    .description('Say what keepalived would refuse or ignore in a configuration file.')
    .argument('<file>', 'a keepalived.conf, or - for standard input')
    .option('--keepalived-version <version>', 'release that is to read it (default: the installed '
      + `one, else ${formatVersion(newestVersion)})`)
    .option('--host', 'ask of this host too: interfaces, users, programs, what keepalived was '
      + 'built with')
    .option('--id <name>', 'what @ lines are compared with (default: the host name)')
    .addOption(new Option('-o, --output <format>', 'how to show it')
      .choices(['text', 'json']).default('text'))
    .addHelpText('after', `
Prints FILE:LINE:COLUMN: SEVERITY: SENTENCE. An error is what keepalived --config-test rejects;
a warning is what it takes, but hardly as it was meant. Files that are included are read too.
Known are releases from ${formatVersion(oldestVersion)} to ${formatVersion(newestVersion)}; later ones are taken to be like the last.

Exit codes: 0 no errors; 1 errors; 2 the file cannot be read, or the command line is wrong.

Examples:
  tenure keepalived lint /etc/keepalived/keepalived.conf
  tenure keepalived lint new.conf --keepalived-version 2.2.7 -o json`)
    .action(async (file: string, flags: LintFlags) => {
      await lintFile(file, flags, context);
    });
  return new Command('keepalived')
    .description('Check configurations of keepalived.')
    .addCommand(lint);
}

async function lintFile(file: string, flags: LintFlags, context: CliContext): Promise<void> {
  const asked = flags.keepalivedVersion === undefined
    ? undefined : versionOf(flags.keepalivedVersion);
  const build = asked && flags.host !== true ? undefined : await installedBuild();
  const version = asked ?? build?.version ?? newestVersion;
  const text = await textOf(file, context);
  const { findings, accepted } = read(text, {
    file, version,
    facts: flags.host === true ? hostFacts(build, version) : {},
    configId: flags.id ?? context.hostName.replace(/\..*/, ''),
    directory: dirname(resolve(file)),
    environment: context.env,
    include: includeFromDisk,
  });
  context.stdout.write(flags.output === 'json'
    ? structured({ file, version: formatVersion(version), accepted, findings }, 'json')
    : findings.map((finding) => line(finding, context.stdout.colours)).join(''));
  if (!accepted) throw new CliError(exitCodes.failed, []);
}

function versionOf(text: string): Version {
  const version = /^\d+\.\d+$/.test(text) ? parseVersion(`${text}.0`) : parseVersion(text);
  const known = `${formatVersion(oldestVersion)} or later`;
  if (!version) {
    throw usage(`--keepalived-version ${text}: this is no version: give one such as 2.2.7`);
  }
  if (compareVersions(version, oldestVersion) < 0) {
    throw usage(`--keepalived-version ${text}: this is too old: give ${known}`);
  }
  return version;
}

/** What was built into the installed keepalived counts for its own version alone. */
function hostFacts(build: Build | undefined, version: Version) {
  const isSame = build !== undefined && compareVersions(build.version, version) === 0;
  return { ...factsOfThisHost(), ...(isSame ? { features: build.features } : {}) };
}

async function textOf(file: string, context: CliContext): Promise<string> {
  if (file === '-') {
    const input = await context.readStdin();
    if (input.kind === 'text') return input.text;
    throw usage(`standard input ${input.kind === 'unreadable' ? input.why : 'is missing'}`);
  }
  const { text, problem } = readConfigurationFile(file);
  if (text === undefined) throw usage(`${file}: ${problem ?? 'cannot be read'}`);
  return text;
}

const colours = { error: '31', warning: '33' } as const;

function line(finding: Finding, coloured: boolean): string {
  const plain = formatFinding(finding);
  if (!coloured) return `${plain}\n`;
  const { severity } = finding;
  const shown = `\u001b[${colours[severity]}m${severity}\u001b[39m`;
  return `${plain.replace(`: ${severity}: `, () => `: ${shown}: `)}\n`;
}
