/** Eips from the manifests in a directory, for nodes without a store. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseEipDocuments, type EipDocument } from '../../config/eip-document.ts';
import { findOverlaps, isRefereed } from '../../config/eip-set.ts';
import { formatProblem } from '../../config/problem.ts';

export interface EipsRead {
  readonly documents: readonly EipDocument[];
  /** If there are any, nothing of the directory is to be applied. */
  readonly problems: readonly string[];
  /** Changes whenever a file does. */
  readonly content: string;
}

/** Reads all files that end in .yaml, .yml or .json, by name. Never throws. */
export function readEipsDirectory(directory: string): EipsRead {
  const files: { readonly file: string; readonly text: string }[] = [];
  try {
    for (const name of readdirSync(directory).sort()) {
      if (!/\.(ya?ml|json)$/.test(name) || name.startsWith('.')) continue;
      files.push({ file: join(directory, name), text: readFileSync(join(directory, name), 'utf8') });
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { documents: [], problems: [`eips.directory: ${why}`], content: why };
  }
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
    content: JSON.stringify(files),
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
