/** Eip manifests as commands get them: from files, standard input, the store. */
import { parseEipDocuments } from '../config/eip-document.ts';
import type { EipDocument } from '../config/eip-document.ts';
import type { UsableEips } from '../config/eip-set.ts';
import { usableEips } from '../config/eip-set.ts';
import { formatProblem } from '../config/problem.ts';
import type { StoredDocument } from '../store/lease-store.ts';
import type { CliContext } from './context.ts';
import { usage } from './context.ts';
import { note } from './output.ts';

/** All manifests of the files (`-`: standard input), or every problem in them at once. */
export async function readManifests(
  context: CliContext, files: readonly string[],
): Promise<readonly EipDocument[]> {
  const documents: EipDocument[] = [];
  const problems: string[] = [];
  if (files.filter((file) => file === '-').length > 1) throw usage('-f: "-": is given twice: give it once');
  for (const file of files) {
    const name = file === '-' ? 'standard input' : file;
    const read = file === '-' ? await context.readStdin() : context.readFile(file);
    if (read.kind !== 'text') {
      problems.push(`-f: ${JSON.stringify(name)} ${read.kind === 'missing' ? 'is not there: name a file of manifests.' : read.why}`);
      continue;
    }
    const parsed = parseEipDocuments(name, read.text);
    problems.push(...parsed.problems.map(formatProblem));
    documents.push(...parsed.documents);
    for (const remark of parsed.notes) note(context.stderr, formatProblem(remark));
  }
  const byName = new Map<string, EipDocument>();
  for (const document of documents) {
    const other = byName.get(document.name);
    if (other === undefined) byName.set(document.name, document);
    else problems.push(`${document.source}: metadata.name: ${JSON.stringify(document.name)} is also the name of the Eip at ${other.source}: name them differently.`);
  }
  if (problems.length > 0) throw usage(problems);
  return documents;
}

/** The store's Eips; what is wrong with one is said on standard error. */
export function readStoredEips(
  context: CliContext, stored: readonly StoredDocument[],
): UsableEips {
  const usable = usableEips(stored);
  for (const fault of usable.faults.values()) {
    context.stderr.write(`tenure: ${fault} No node announces it: mend it with "tenure apply", or delete it.\n`);
  }
  return usable;
}
