/**
 * Results that are kept: bench/results/<date>.json, .md and .svg, and what README.md shows of them.
 * Sittings add up: what is measured later into the same results stands beside what was there.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Machine } from '../machine.ts';
import { distribution, isMet, type Figure, type KeptBench } from './bench.ts';
import { machineLine, markdownTable } from './report.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = 'bench/results';
const readmeMarks = ['<!-- figures: written by `npm run bench -- failover --keep` -->', '<!-- /figures -->'] as const;

export interface Sitting {
  /** ISO 8601. */
  readonly begun: string;
  /** What was measured: a commit, `-dirty` where the tree was not as committed; null: no git. */
  readonly commit: string | null;
  readonly machine: Machine;
  /** Versions, as they say them. */
  readonly programs: readonly string[];
  readonly benches: readonly string[];
  readonly rounds: number | null;
}

interface Run {
  readonly sitting: number;
  readonly about: string;
  readonly figures: readonly Figure[];
}

interface Results {
  readonly sittings: readonly Sitting[];
  /** By bench; the sitting is its place in `sittings`. */
  readonly figures: Readonly<Record<string, readonly Run[]>>;
  /** What benches keep themselves. */
  readonly data: Readonly<Record<string, unknown>>;
  /** Sections of the Markdown file that benches make themselves. */
  readonly sections: Readonly<Record<string, string>>;
}

export class Kept {
  /** The path without its ending, below the checkout. */
  readonly name: string;
  readonly #date: string;
  readonly #sitting: number;
  #results: Results;

  constructor(date: string, sitting: Omit<Sitting, 'commit' | 'programs'>) {
    this.name = `${folder}/${date}`;
    this.#date = date;
    const file = `${root}${this.name}.json`;
    const before = existsSync(file)
      ? JSON.parse(readFileSync(file, 'utf8')) as Results
      : { sittings: [], figures: {}, data: {}, sections: {} };
    this.#sitting = before.sittings.length;
    const whole = { ...sitting, commit: commit(), programs: programs() };
    this.#results = { ...before, sittings: [...before.sittings, whole] };
  }

  /** What a bench keeps itself. */
  bench(name: string): KeptBench {
    return {
      before: this.#results.data[name],
      keep: (data, shown) => {
        const { markdown, svg, readme } = shown(`${this.#date}.svg`);
        this.#results = {
          ...this.#results, data: { ...this.#results.data, [name]: data },
          sections: { ...this.#results.sections, [name]: markdown },
        };
        this.#write();
        write(`${this.name}.svg`, svg);
        this.#writeReadme(readme);
      },
    };
  }

  /** The figures of a bench that keeps nothing itself. */
  figures(name: string, about: string, figures: readonly Figure[]): void {
    if (name in this.#results.data) return;
    const summed = figures.map((figure) => ({
      ...figure, ...distribution(figure.samples), met: isMet(figure, figures),
    }));
    const before = this.#results.figures[name] ?? [];
    this.#results = {
      ...this.#results,
      figures: {
        ...this.#results.figures,
        [name]: [...before, { sitting: this.#sitting, about, figures: summed }],
      },
    };
    this.#write();
  }

  #write(): void {
    write(`${this.name}.json`, compact(this.#results));
    write(`${this.name}.md`, this.#markdown());
  }

  #markdown(): string {
    const { sittings, figures, sections } = this.#results;
    const parts = Object.entries(figures).flatMap(([name, runs]) => runs.map((run) => (
      `## ${name}\n\n${run.about}; sitting ${run.sitting + 1}.\n\n${markdownTable(run.figures)}`)));
    return `${['# Figures', sittingList(sittings), ...Object.values(sections), ...parts].join('\n\n')}\n`;
  }

  /** Only where it has a place for it. */
  #writeReadme(text: string): void {
    const [begin, end] = readmeMarks;
    const file = 'README.md';
    const before = readFileSync(`${root}${file}`, 'utf8');
    const [from, to] = [before.indexOf(begin), before.indexOf(end)];
    if (from === -1 || to < from) return;
    const where = `${sittingList(this.#results.sittings)}\n\nAll of it: [${this.name}.md](${this.name}.md).`;
    write(file, `${before.slice(0, from + begin.length)}\n\n${text}\n\n${where}\n\n${before.slice(to)}`);
  }
}

function sittingList(sittings: readonly Sitting[]): string {
  const lines = sittings.map(({ begun, benches, rounds, ...on }, index) => {
    const when = `${begun.slice(0, 16).replace('T', ' ')} UTC, commit ${on.commit ?? 'unknown'}`;
    const asked = `${benches.join(', ')}${rounds === null ? '' : `, rounds: ${rounds}`}`;
    return `${index + 1}. ${when}: ${asked}; ${[machineLine(on.machine), ...on.programs].join(', ')}`;
  });
  return `Sittings:\n\n${lines.join('\n')}`;
}

function commit(): string | null {
  try {
    const git = (...args: string[]): string => (
      execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' }).trim());
    // What is measured, and by what: not the results of an earlier sitting.
    const changed = git('status', '--porcelain', '--', 'src', 'bench', 'test', `:!${folder}`);
    return `${git('rev-parse', '--short=12', 'HEAD')}${changed === '' ? '' : '-dirty'}`;
  } catch {
    return null;
  }
}

/** Whose versions matter besides our own; without those that are not installed. */
function programs(): string[] {
  return ['keepalived', 'etcd'].flatMap((name) => {
    const { stdout, stderr } = spawnSync(name, ['--version'], { encoding: 'utf8' });
    const [version] = /\d+\.\d+\.\d+/.exec(`${stdout}${stderr}`) ?? [];
    return version === undefined ? [] : [`${name} ${version}`];
  });
}

/** Who reads it meanwhile sees the one or the other. */
function write(file: string, text: string): void {
  mkdirSync(`${root}${folder}`, { recursive: true });
  writeFileSync(`${root}${file}.new`, text);
  renameSync(`${root}${file}.new`, `${root}${file}`);
}

/** JSON with one line for each of what has no more inside it: a trial, a list of numbers. */
function compact(value: unknown): string {
  const onOneLine = (text: string): string => text.replaceAll(/\s*\n\s*/g, ' ');
  return `${JSON.stringify(value, null, 1)
    .replaceAll(/\{[^{}[\]]*\}/g, onOneLine).replaceAll(/\[[^{}[\]]*\]/g, onOneLine)}\n`;
}
