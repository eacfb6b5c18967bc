/** The value of a statement or of a line, by its shape. */
import type { Position } from '../finding.ts';
import type { Line, Word } from '../lines/line.ts';
import type { Fields, List, Shape, Special, Switch, Words } from '../table/shapes.ts';
import { isAtLeast } from '../version.ts';
import { Cursor, type ReadContext, type Row, type Statement } from './context.ts';
import { readFields } from './fields.ts';
import {
  readForwarding, readIpvlan, readSyncDaemon, readTimeouts, readVmac,
} from './interface-grammars.ts';
import {
  readDynamicInterfaces, readGarpExtraIf, readHmacKey, readIncludeCheck, readInitFile, readProcess,
  readRxBufsPolicy, readUmask, readWeight,
} from './keyword-grammars.ts';
import {
  readAddressLine, readServerGroupEntry, readStatusCodes, readTrackLine,
} from './line-grammars.ts';
import { readRouteLine } from './route-grammar.ts';
import { readRuleLine } from './rule-grammar.ts';
import { readScalar, refuse } from './scalars.ts';
import { readCommand, readFifo, readScript, readUser } from './script-grammars.ts';

function readSpecial(shape: Special, cursor: Cursor): unknown {
  switch (shape.grammar) {
    case 'address': return readAddressLine(cursor);
    case 'route': return readRouteLine(cursor);
    case 'rule': return readRuleLine(cursor);
    case 'track': return readTrackLine(shape, cursor);
    case 'weight': return readWeight(shape, cursor);
    case 'vmac': return readVmac(cursor);
    case 'ipvlan': return readIpvlan(cursor);
    case 'garp-extra-if': return readGarpExtraIf(shape, cursor);
    case 'script': return readScript(cursor);
    case 'command': return readCommand(cursor);
    case 'user': return readUser(cursor);
    case 'process': return readProcess(cursor);
    case 'init-file': return readInitFile(shape, cursor);
    case 'umask': return readUmask(cursor);
    case 'rx-bufs-policy': return readRxBufsPolicy(cursor);
    case 'fifo': return readFifo(cursor);
    case 'lvs-sync-daemon': return readSyncDaemon(cursor);
    case 'lvs-timeouts': return readTimeouts(shape, cursor);
    case 'include-check': return readIncludeCheck(cursor);
    case 'dynamic-interfaces': return readDynamicInterfaces(cursor);
    case 'hmac-key': return readHmacKey(cursor);
    case 'forwarding': return readForwarding(cursor);
    case 'server-group-entry': return readServerGroupEntry(cursor);
    case 'status-codes': return readStatusCodes(shape, cursor);
  }
}

const truths: Readonly<Record<string, boolean>> = {
  true: true, on: true, yes: true, false: false, off: false, no: false,
};

function readSwitch(shape: Switch, cursor: Cursor): boolean | undefined {
  if (shape.since !== undefined && !isAtLeast(cursor.context.version, shape.since)) return true;
  const word = cursor.next();
  if (!word) return true;
  return truths[word.text]
    ?? refuse(cursor, word, 'not-allowed', 'is not known', 'on, true, yes, off, false or no');
}

function readWords(shape: Words, cursor: Cursor): readonly unknown[] | undefined {
  const first = shape.min > 0 ? cursor.need('a value') : cursor.next();
  if (!first) return shape.min > 0 ? undefined : [];
  const values = [first, ...cursor.rest()].map((word) => readScalar(shape.of, word, cursor));
  return values.includes(undefined) ? undefined : values;
}

function readInline(shape: Shape, cursor: Cursor): unknown {
  switch (shape.kind) {
    case 'flag': return true;
    case 'switch': return readSwitch(shape, cursor);
    case 'optional': {
      const word = cursor.next();
      return word ? readScalar(shape.of, word, cursor) : true;
    }
    case 'words': return readWords(shape, cursor);
    case 'fields': return readFields(shape, cursor);
    case 'special': return readSpecial(shape, cursor);
    case 'list': case 'entries': case 'block': case 'opaque': return undefined;
    case 'whole': case 'decimal': case 'text': case 'choice': case 'interface': case 'address':
    case 'prefix': case 'routing-name': case 'either': case 'pattern': {
      const word = cursor.need('a value');
      return word && readScalar(shape, word, cursor);
    }
  }
}

function endOf(words: readonly Word[], at: Position): Position {
  const last = words.at(-1);
  return last ? { ...last.at, column: last.at.column + last.text.length } : at;
}

/** Complains about words that keepalived does not look at. */
function checkRest(statement: Statement, cursor: Cursor): void {
  const [word] = cursor.rest();
  if (!word) return;
  const exact = statement.entry?.exact;
  const refused = exact !== undefined && isAtLeast(cursor.context.version, exact);
  cursor[refused ? 'error' : 'warn'](word, {
    code: 'ignored',
    message: `${cursor.keyword}: keepalived ${refused ? 'refuses' : 'ignores'} "${word.text}" here`,
  });
}

/** Reads the lines of `{ ... }` as one entry each. */
function readRows(
  shape: Fields | Special, rows: readonly Row[], keyword: string, context: ReadContext,
): readonly unknown[] {
  for (const row of rows) {
    const cursor = cursorOf(row.words, keyword, row.line, row.at, context);
    row.value = readInline(shape, cursor);
  }
  return rows.map((row) => row.value).filter((value) => value !== undefined);
}

function readList(shape: List, statement: Statement, context: ReadContext): readonly unknown[] {
  const keyword = statement.words[0]?.text ?? '';
  const rows = statement.rows ?? [];
  const words = rows.flatMap((row) => row.words);
  if (words.length === 0 && shape.filled) {
    context.findings.error(statement.at, {
      code: 'incomplete', keyword, message: `${keyword}: the list is empty`,
    });
  }
  const cursor = cursorOf(words, keyword, statement.line, statement.at, context);
  return words.map((word) => readScalar(shape.of, word, cursor))
    .filter((value) => value !== undefined);
}

function cursorOf(
  words: readonly Word[], keyword: string, line: Line, at: Position, context: ReadContext,
): Cursor {
  return new Cursor(words, keyword, line, endOf(words, at), context);
}

/** Reads the value of a statement and of all statements within it. */
export function readValue(statement: Statement, context: ReadContext): void {
  const { shape, words, line, at } = statement;
  const keyword = words[0]?.text ?? '';
  for (const inner of statement.body ?? []) readValue(inner, context);
  const plain = shape?.kind === 'opaque' ? shape.of : shape;
  if (!plain || plain.kind === 'block') return;
  if (plain.kind === 'entries') {
    statement.value = readRows(plain.of, statement.rows ?? [], keyword, context);
  } else if (plain.kind === 'list') statement.value = readList(plain, statement, context);
  else {
    const cursor = new Cursor(words.slice(1), keyword, line, endOf(words, at), context);
    statement.value = readInline(plain, cursor);
    checkRest(statement, cursor);
  }
}
