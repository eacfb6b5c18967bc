import { type Line, cut, join, madeAt } from './line.ts';

/** A `$NAME=` of the file, or one that keepalived brings along. */
export interface Definition {
  readonly name: string;
  /** Lines are separated by `\n`. */
  readonly value: string;
  readonly multiline: boolean;
  /** For those that keepalived brings along: the value for the parameters given. */
  readonly compute?: (parameters: readonly string[]) => string;
  /** Fewest and most parameters, as in `${_RANDOM 1 6}`. */
  readonly parameters?: readonly [min: number, max: number];
  readonly numeric?: boolean;
}

/** What a line became, and what of a multi-line definition is still to come. */
export interface Expansion {
  readonly line: Line;
  readonly changed: boolean;
  readonly rest?: string;
  /** The value of some definition names that definition again, so it has no end. */
  readonly endless: boolean;
  /** Definitions used with parameters that they do not take. */
  readonly misused: readonly string[];
}

/** What is known of the host when `$_PWD`, `$_INSTANCE` and `${_ENV X}` are replaced. */
export interface DefinitionContext {
  readonly configId: string;
  /** Of the file that is being read. */
  readonly directory: () => string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whether `${_ENV X}` is known: from 2.4.0 on. */
  readonly hasEnvironment: boolean;
}

interface Reference {
  readonly definition: Definition;
  /** Length of the reference, from the dollar sign on. */
  readonly length: number;
  readonly parameters: readonly string[];
}

const maxReplacements = 1000;

/** The definitions in force at one point of a file. */
export class Definitions {
  readonly #byName = new Map<string, Definition>();

  constructor(context: DefinitionContext) {
    const computed = (
      name: string,
      compute: (parameters: readonly string[]) => string,
      parameters: readonly [number, number] = [0, 0],
      numeric = false,
    ) => this.set({ name, value: '', multiline: false, compute, parameters, numeric });
    computed('_PWD', () => context.directory());
    computed('_INSTANCE', () => context.configId);
    // Any number of the range would do; the lowest makes the outcome the same each time.
    computed('_RANDOM', ([min]) => min ?? '0', [0, 2], true);
    computed('_HASH', () => '#');
    computed('_BANG', () => '!');
    if (context.hasEnvironment) {
      computed('_ENV', ([name]) => context.environment[name ?? ''] ?? '', [1, 1]);
    }
  }

  set(definition: Definition): void {
    this.#byName.set(definition.name, definition);
  }

  /**
   * Replaces `$NAME` and `${NAME}` in a line. What replaced them is looked through again. An
   * unbraced name must be followed by a blank, a comma, `)` or the end of the line. A multi-line
   * definition is replaced only at the end of a line.
   */
  expand(line: Line): Expansion {
    let current = line;
    let changed = false;
    let rest: string | undefined;
    const misused: string[] = [];
    let from = 0;
    for (let count = 0; ; count += 1) {
      const at = current.text.indexOf('$', from);
      if (at < 0 || at === current.text.length - 1) break;
      if (count === maxReplacements) return { line, changed: false, endless: true, misused };
      const found = this.#reference(current.text.slice(at), misused);
      if (!found) {
        from = at + 1;
        continue;
      }
      const { definition, length, parameters } = found;
      const value = definition.compute?.(parameters) ?? definition.value;
      const end = definition.multiline ? value.indexOf('\n') : -1;
      const text = end < 0 ? value : value.slice(0, end);
      if (definition.multiline) rest = end < 0 ? '' : value.slice(end + 1);
      current = join(
        join(cut(current, 0, at), madeAt(current, at, text)),
        cut(current, at + length),
      );
      changed = true;
      from = at;
      if (/^[ \t]*~/.test(value)) break;
    }
    return {
      line: current,
      changed,
      endless: false,
      misused,
      ...(rest === undefined ? {} : { rest }),
    };
  }

  #reference(text: string, misused: string[]): Reference | undefined {
    const plain = /^\$([A-Za-z_]\w*)(?=[ \t,)]|$)/.exec(text);
    const braced = /^\$\{([A-Za-z_]\w*)((?:[ \t]+\w+)*)\}/.exec(text);
    const match = plain ?? braced;
    if (!match) return undefined;
    const length = match[0].length;
    const parameters = (match[2] ?? '').trim().split(/[ \t]+/).filter((word) => word !== '');
    const definition = this.#byName.get(match[1] ?? '');
    if (!definition || (definition.multiline && length !== text.length)) return undefined;
    const [min, max] = definition.parameters ?? [0, 0];
    const fits = parameters.length >= min && parameters.length <= max
      && (definition.numeric !== true || parameters.every((word) => /^\d+$/.test(word)));
    if (!fits) {
      misused.push(definition.name);
      return undefined;
    }
    return { definition, length, parameters };
  }
}

/** `$NAME=value`; the value may end in a backslash, which makes it a multi-line definition. */
export function readDefinition(text: string): { name: string; value: string } | undefined {
  const match = /^\$([A-Za-z_]\w*)=[ \t]*(.*)$/s.exec(text);
  return match ? { name: match[1] ?? '', value: match[2] ?? '' } : undefined;
}

/** The text of one line of a multi-line definition; `more` if another follows. */
export function definitionLine(text: string): { text: string; more: boolean } {
  if (!text.endsWith('\\')) return { text, more: false };
  return { text: text.slice(0, -1).replace(/[ \t]+$/, ''), more: true };
}
