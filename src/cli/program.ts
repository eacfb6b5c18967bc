/** The program: its commands, and what becomes of their errors. */
import { Command, CommanderError } from 'commander';
import type { CliContext } from './context.ts';
import { CliError, exitCodes } from './context.ts';
import { agentCommand } from './commands/agent.ts';
import { applyCommand } from './commands/apply.ts';
import { configCommand } from './commands/config.ts';
import { deleteCommand } from './commands/delete.ts';
import { doctorCommand } from './commands/doctor.ts';
import { drainCommand, undrainCommand } from './commands/drain.ts';
import { getCommand } from './commands/get.ts';
import { historyCommand } from './commands/history.ts';
import { measureCommand } from './commands/measure.ts';
import { moveCommand } from './commands/move.ts';
import { statusCommand } from './commands/status.ts';
import { witnessCommand } from './commands/witness.ts';
import { keepalivedCommand } from './keepalived.ts';
import { version } from './version.ts';

/** Makes a command; what it needs from outside is in the context. */
export type CommandMaker = (context: CliContext) => Command;

/** In the order of the help. */
const commands: readonly CommandMaker[] = [
  agentCommand, witnessCommand, statusCommand, applyCommand, getCommand, deleteCommand,
  historyCommand, moveCommand,
  drainCommand, undrainCommand, doctorCommand, measureCommand, configCommand,
  keepalivedCommand,
];

/** Runs a command line (without the program's own name). Resolves to the exit code. */
export async function run(argv: readonly string[], context: CliContext): Promise<number> {
  try {
    await program(context).parseAsync(argv, { from: 'user' });
    return 0;
  } catch (error) {
    return report(error, context);
  }
}

function program(context: CliContext): Command {
  const root = new Command('tenure')
    .description('Keeps external IP addresses answered by exactly one node of a LAN.')
    .version(version(), '-V, --version')
    .showSuggestionAfterError();
  for (const make of commands) root.addCommand(make(context));
  for (const command of withSubcommands(root)) {
    command.exitOverride().configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      outputError: (text, write) => write(usageError(text, command)),
      getOutHasColors: () => context.stdout.colours,
      getErrHasColors: () => context.stderr.colours,
    }).configureHelp({ styleTitle: (title) => title, sortSubcommands: false });
  }
  return root;
}

function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}

/** commander's sentence on one line, with ours before it. */
function usageError(text: string, command: Command): string {
  const line = text.trim().replace(/^error: /, '').replace(/\s*\n\s*/g, ' ').replace(/\.$/, '');
  return `tenure: ${line}: see "${fullName(command)} --help"\n`;
}

function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}

function report(error: unknown, context: CliContext): number {
  const { stderr, env } = context;
  const debug = (env.TENURE_DEBUG ?? '') !== '' && env.TENURE_DEBUG !== '0';
  if (error instanceof CommanderError) {
    // Help and version are no errors; "tenure" alone shows help and is one.
    return error.exitCode === 0 ? 0 : exitCodes.usage;
  }
  if (error instanceof CliError) {
    for (const line of error.lines) stderr.write(`tenure: ${line}\n`);
    if (debug && error.cause !== undefined) stderr.write(`${trace(error.cause)}\n`);
    return error.exitCode;
  }
  const message = error instanceof Error ? error.message : String(error);
  stderr.write(`tenure: internal error: ${message.split('\n', 1)[0] ?? ''}: please report it, with what TENURE_DEBUG=1 shows\n`);
  if (debug) stderr.write(`${trace(error)}\n`);
  return exitCodes.failed;
}

function trace(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
