/** Grammars of keywords that name a program, or who runs it. */
import { type Word, lineOf } from '../lines/line.ts';
import { splitScriptWords } from '../lines/words.ts';
import type { Grammars, Script } from '../table/grammar-types.ts';
import { isAtLeast } from '../version.ts';
import type { Cursor } from './context.ts';

/** Complains that words are left that keepalived does not look at. */
export function ignoreRest(cursor: Cursor): void {
  const [word] = cursor.rest();
  if (word) {
    cursor.warn(word, {
      code: 'ignored',
      message: `${cursor.keyword}: keepalived ignores "${word.text}" and what follows it`,
    });
  }
}

/** Words of a line that names a script, which have quotes and escapes of their own. */
function scriptWords(cursor: Cursor) {
  const { version } = cursor.context;
  const words = splitScriptWords(cursor.line, isAtLeast(version, '2.3.2') ? 2 : undefined);
  cursor.rest();
  if (words) return words;
  return cursor.error(undefined, {
    code: 'structure', message: `${cursor.keyword}: a quote or a backslash is left open`,
  });
}

/**
 * The command itself is split into words once more, by the same rules. False if it has none, or
 * if that cannot be done.
 */
function hasProgram(command: Word, cursor: Cursor): boolean {
  const inner = splitScriptWords(lineOf(command.text, command.at.file, command.at.line));
  if (!inner) {
    cursor.error(command, {
      code: 'structure', message: `${cursor.keyword}: the command has a quote or a backslash left open`,
    });
  }
  return inner !== undefined && inner.length > 0;
}

/** `COMMAND [USER [GROUP]]` (notify_script_init). */
export function readScript(cursor: Cursor): Script | true | undefined {
  const words = scriptWords(cursor);
  if (!words) return undefined;
  const [, command, user, group, extra] = words;
  if (!command) {
    if (cursor.keyword === 'notify_deleted') return true;
    return void cursor.need('the command');
  }
  if (!hasProgram(command, cursor)) {
    const refused = cursor.keyword === 'startup_script' || cursor.keyword === 'shutdown_script';
    return cursor[refused ? 'error' : 'warn'](command, {
      code: 'ignored', message: `${cursor.keyword}: the command is empty, so keepalived runs nothing`,
    });
  }
  if (extra) {
    cursor.warn(extra, {
      code: 'ignored',
      message: `${cursor.keyword}: keepalived takes the words after the command for user and `
        + `group and ignores "${extra.text}"; put command and arguments into one pair of quotes`,
    });
  }
  return {
    command: command.text,
    ...(user ? { user: user.text } : {}),
    ...(group ? { group: group.text } : {}),
  };
}

/** `COMMAND`, its arguments within the same quotes. */
export function readCommand(cursor: Cursor): string | undefined {
  const words = scriptWords(cursor);
  if (!words) return undefined;
  const [, command, extra] = words;
  if (!command || !hasProgram(command, cursor)) return void cursor.need('the command');
  if (extra) {
    cursor.warn(extra, {
      code: 'ignored',
      message: `${cursor.keyword}: keepalived ignores "${extra.text}"; put command and arguments `
        + 'into one pair of quotes',
    });
  }
  return command.text;
}

/** `USER [GROUP]`. */
export function readUser(cursor: Cursor): Grammars['user'] | undefined {
  const user = cursor.need('the user');
  const group = cursor.next();
  ignoreRest(cursor);
  return user && { user: user.text, ...(group ? { group: group.text } : {}) };
}

/** `PATH [USER [GROUP]]`. */
export function readFifo(cursor: Cursor): Grammars['fifo'] | undefined {
  const path = cursor.need('the path');
  const owner = cursor.peek() ? readUser(cursor) : undefined;
  return path && { path: path.text, ...owner };
}

