/** Eips from the manifests in a directory, for nodes without a store. */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseEipDocuments, type EipDocument } from '../../config/eip-document.ts';
import { findOverlaps, isRefereed } from '../../config/eip-set.ts';
import { formatProblem } from '../../config/problem.ts';

export interface EipsRead {
  readonly documents: readonly EipDocument[];
  /** If there are any, nothing of the directory is to be applied. */
  readonly problems: readonly string[];
}

/** Reads all files that end in .yaml, .yml or .json, by name. Never throws. */
export function readEipsDirectory(directory: string): EipsRead {
  let files: { readonly file: string; readonly text: string }[];
  try {
    files = manifestsIn(directory).map((file) => ({ file, text: readFileSync(file, 'utf8') }));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { documents: [], problems: [`eips.directory: ${why}`] };
  }
  return readFiles(files);
}

/**
 * The same again and again, at the cost of a look at the files' dates. Of a file that was changed
 * lately these do not tell: the kernel counts in ticks.
 */
export class EipsDirectory {
  readonly #directory: string;
  #dates = '';
  #isRecent = true;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** What there is, if it may be something else than the last time; else null. Never throws. */
  look(now = Date.now()): EipsRead | null {
    const { dates, latest } = this.#look();
    if (dates === this.#dates && !this.#isRecent) return null;
    this.#dates = dates;
    this.#isRecent = Math.abs(now - latest) < recentMs;
    return readEipsDirectory(this.#directory);
  }

  #look(): { readonly dates: string; readonly latest: number } {
    try {
      const stats = manifestsIn(this.#directory).map((file) => ({ file, ...datesOf(file) }));
      return {
        dates: JSON.stringify(stats),
        latest: stats.reduce((latest, { changed }) => Math.max(latest, changed), 0),
      };
    } catch (error) {
      return { dates: error instanceof Error ? error.message : String(error), latest: 0 };
    }
  }
}

const recentMs = 2_000;

function datesOf(file: string) {
  const { ino, size, mtimeMs, ctimeMs } = statSync(file);
  return { inode: ino, size, written: mtimeMs, changed: ctimeMs };
}

function manifestsIn(directory: string): string[] {
  return readdirSync(directory).sort()
    .filter((name) => /\.(ya?ml|json)$/.test(name) && !name.startsWith('.'))
    .map((name) => join(directory, name));
}

function readFiles(
  files: readonly { readonly file: string; readonly text: string }[],
): EipsRead {
  const read = files.map(({ file, text }) => parseEipDocuments(file, text));
  const documents = read.flatMap((one) => one.documents);
  const stored = documents.filter(({ protocol }) => protocol !== 'vip');
  const refereed = documents.filter(isRefereed);
  return {
    documents,
    problems: [
      ...read.flatMap((one) => one.problems.map(formatProblem)), ...namedTwice(documents),
      ...stored.map(({ source, protocol }) => `${source}: spec.protocol: "${protocol}" needs a store: `
        + 'set spec.protocol: vip, or give the agent one.'),
      ...refereed.map(({ source }) => `${source}: metadata.annotations[tenure.io/referee]: "lease" `
        + 'needs a store: leave it out, or give the agent one.'),
      ...findOverlaps(documents).map(({ a, b, range }) =>
        `${b.source}: eip/${b.name} overlaps eip/${a.name} in ${range}: each address belongs to one Eip.`),
    ],
  };
}

function namedTwice(documents: readonly EipDocument[]): string[] {
  const byName = new Map<string, EipDocument>();
  return documents.flatMap((document) => {
    const other = byName.get(document.name);
    byName.set(document.name, document);
    return other === undefined ? []
      : [`${document.source}: metadata.name: "${document.name}" is also the name of the Eip at `
        + `${other.source}: name them differently.`];
  });
}
