/** `tenure apply`: stores Eips, all of a call or none. */
import { Command } from 'commander';
import { vridKey } from '../../config/eip-annotations.ts';
import { parseEipDocuments } from '../../config/eip-document.ts';
import type { EipDocument } from '../../config/eip-document.ts';
import { commonSize, findOverlaps, mostAddressesTogether } from '../../config/eip-set.ts';
import { annotated } from '../../store/annotate.ts';
import type { StoredDocument } from '../../store/lease-store.ts';
import { withStore } from '../connect.ts';
import type { StoreSession } from '../connect.ts';
import type { CliContext } from '../context.ts';
import { CliError, exitCodes, failed, usage } from '../context.ts';
import { readManifests } from '../documents.ts';
import { addConfigFlags } from '../flags.ts';
import { count } from '../output.ts';

/** All or nothing is one transaction of the store, and etcd's are bounded. */
const mostChanged = 100;
/** How often a change that someone else made meanwhile is worked into ours. */
const attempts = 5;

interface ApplyFlags {
  readonly filename: readonly string[];
  readonly dryRun?: true;
}

export function applyCommand(context: CliContext): Command {
  const command = new Command('apply')
    .summary('Create or change Eips.')
    .description('Create or change Eips. All of them are checked first, against each other and against those that are stored; if anything is wrong, nothing is changed.')
    .requiredOption('-f, --filename <file...>', 'files of manifests; - is standard input')
    .option('--dry-run', 'check all, and say what would be done')
    .addHelpText('after', `
Examples:
  tenure apply -f eips.yaml
  tenure apply -f web.yaml -f dns.yaml --dry-run
  tenure get eip web -o yaml | sed s/eth0/eth1/ | tenure apply -f -

Exit codes: 0 applied, or nothing to do; 1 the store failed; 2 a manifest is wrong.`);
  return addConfigFlags(command, 'client').action(async (flags: ApplyFlags) => {
    const documents = await readManifests(context, flags.filename);
    await withStore(context, command, async (session) => {
      const dryRun = flags.dryRun === true;
      const before = await apply(session, documents, dryRun);
      const after = await session.store.listDocuments(session.deadline());
      const suffix = dryRun ? ' (dry run)' : '';
      for (const document of documents) {
        const { name } = document;
        const written = dryRun ? undefined : after.find((one) => one.name === name);
        context.stdout.write(`eip/${outcome(document, before.get(name), written)}${suffix}\n`);
      }
      refuseLateClashes(documents, after);
    });
  });
}

/** What was stored before, by name. */
async function apply(
  { store, deadline }: StoreSession, documents: readonly EipDocument[], dryRun: boolean,
): Promise<ReadonlyMap<string, StoredDocument>> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const stored = await store.listDocuments(deadline());
    const known = new Map(stored.map((document) => [document.name, document]));
    refuseClashes(documents, stored);
    const changed = documents
      .map((document) => ({ name: document.name, text: keepingVrid(document, known) }))
      .filter(({ name, text }) => known.get(name)?.text !== text)
      .map(({ name, text }) => ({ name, text, revision: known.get(name)?.revision ?? 0 }));
    refuseTooMany(changed.length);
    const done = dryRun || changed.length === 0 || await store.putDocuments(changed, deadline());
    if (done) return known;
  }
  throw failed(`apply: ${count(documents.length, 'Eip', 'Eips')}: others change them at the same time: nothing was applied; try again`);
}

/** An Eip keeps the VRID that agents gave it, unless the manifest says another. */
function keepingVrid(
  { name, text, protocol, settings }: EipDocument, known: ReadonlyMap<string, StoredDocument>,
): string {
  const before = known.get(name);
  if (protocol !== 'vip' || settings.vrid !== undefined || before === undefined) return text;
  const [old] = parseEipDocuments('', before.text).documents;
  const vrid = old?.settings.vrid;
  return vrid === undefined ? text : annotated(text, vridKey, String(vrid));
}

function refuseTooMany(changed: number): void {
  if (changed <= mostChanged) return;
  throw usage(`apply: ${changed} Eips: are to be changed at once, and at most ${mostChanged} can be: apply them in parts, or write ranges of addresses instead of single ones`);
}

/** Overlaps with what will be there, and the bound on all addresses together. */
function refuseClashes(
  documents: readonly EipDocument[], stored: readonly StoredDocument[],
): void {
  const others = othersOf(documents, stored);
  const problems = clashes(documents, others);
  if (problems.length > 0) throw usage(problems);
  const total = [...documents, ...others]
    .reduce((sum, { disabled, block }) => disabled ? sum : sum + block.size, 0n);
  if (total > BigInt(mostAddressesTogether)) {
    throw usage(`spec.address: all Eips together would have ${total} addresses: at most ${mostAddressesTogether} are taken: write smaller blocks, or disable some.`);
  }
}

/**
 * The store guards the documents that we wrote, not those that someone else made at the same time.
 * Agents announce but one of two that overlap; the user is to know.
 */
function refuseLateClashes(
  documents: readonly EipDocument[], stored: readonly StoredDocument[],
): void {
  const problems = clashes(documents, othersOf(documents, stored));
  if (problems.length > 0) {
    throw new CliError(exitCodes.failed, problems.map((text) =>
      `${text} It was applied at the same time by someone else; of the two, nodes leave out the one whose name comes later.`));
  }
}

/** What is stored besides the documents that are applied, as far as it can be read. */
function othersOf(
  documents: readonly EipDocument[], stored: readonly StoredDocument[],
): readonly EipDocument[] {
  const ours = new Set(documents.map(({ name }) => name));
  return stored
    .filter(({ name }) => !ours.has(name))
    .flatMap(({ name, text }) => parseEipDocuments(`eip/${name}`, text).documents);
}

/** A sentence for each of our documents that overlaps another one, ours or stored. */
function clashes(
  documents: readonly EipDocument[], others: readonly EipDocument[],
): readonly string[] {
  const ours = new Set(documents.map(({ source }) => source));
  return findOverlaps([...documents, ...others])
    .filter(({ a, b }) => ours.has(a.source) || ours.has(b.source))
    .map(({ a, b, range }) => {
      const [one, two] = ours.has(a.source) ? [a, b] : [b, a];
      const where = ours.has(two.source) ? `at ${two.source}` : 'in the store';
      return `${one.source}: spec.address: Eip ${JSON.stringify(one.name)} overlaps Eip ${JSON.stringify(two.name)} ${where} in ${range}: take the addresses out of one.`;
    });
}

/** A store that keeps the meaning alone has nothing new to write where that is the same. */
function outcome(
  document: EipDocument, before: StoredDocument | undefined, after: StoredDocument | undefined,
): string {
  const { name, block } = document;
  if (before === undefined) return `${name} created`;
  const text = keepingVrid(document, new Map([[name, before]]));
  if (before.text === text || before.revision === after?.revision) return `${name} unchanged`;
  const [old] = parseEipDocuments('', before.text).documents;
  const common = old === undefined ? null : commonSize(old.block, block);
  if (old === undefined || common === null) return `${name} configured`;
  const [gone, added] = [old.block.size - common, block.size - common];
  const parts = [
    ...gone > 0n ? [`${count(gone, 'address', 'addresses')} given up`] : [],
    ...added > 0n ? [`${count(added, 'address', 'addresses')} added`] : [],
  ];
  return `${name} configured${parts.length > 0 ? `: ${parts.join(', ')}` : ''}`;
}
