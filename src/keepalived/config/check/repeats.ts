/** Keywords given twice, in any block. */
import type { Statement } from '../read/context.ts';
import type { Checker } from './checker.ts';

function keywordOf(statement: Statement): string {
  return statement.words[0]?.text ?? '';
}

/** Complains about statements that keepalived refuses or that have no effect. */
export function checkRepeats(checker: Checker, statements: readonly Statement[]): void {
  const seen = new Map<string, Statement>();
  for (const statement of statements) {
    const key = keywordOf(statement);
    const { entry, shape } = statement;
    if (statement.body) checkRepeats(checker, statement.body);
    const earlier = seen.get(key);
    if (!entry || !shape || shape.kind === 'flag' || entry.repeat === 'adds') continue;
    if (!earlier) {
      seen.set(key, statement);
      continue;
    }
    const refused = entry.repeat === 'refused';
    checker.sayAt(statement.at, refused
      ? `"${key}" may be given once; it was given in line ${earlier.at.line}`
      : `"${key}" was already given in line ${earlier.at.line}; this one counts`, {
      key, code: 'duplicate', severity: refused ? 'error' : 'warning',
    });
  }
}

/** Complains about blocks of one kind with the same name. */
export function checkNames(
  checker: Checker, keyword: string, blocks: readonly { readonly name: string }[],
): void {
  const seen = new Map<string, object>();
  for (const block of blocks) {
    const earlier = seen.get(block.name);
    if (earlier) {
      const { line } = checker.positionOf(earlier);
      checker.say(block, `${keyword} ${block.name} is already defined in line ${line}`, {
        code: 'duplicate', key: keyword, value: block.name,
      });
    } else seen.set(block.name, block);
  }
}
