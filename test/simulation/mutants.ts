/**
 * The production core with one safety rule taken away, by a change of its source text: so the
 * rules need no switches in the product, and each is shown to be needed and to be tested.
 */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Mutation {
  readonly name: string;
  readonly rule: string;
  readonly edits: readonly { readonly file: string; readonly from: string; readonly to: string }[];
}

/**
 * Requests are never given up on: their answers count whenever they come, and are not held
 * against what the store has shown since.
 */
const answersStayOpen: Mutation['edits'] = [
  {
    file: 'step.ts',
    from: '  draft.pending.delete(id);\n',
    to: "  if (pending.kind !== 'swap' || answer !== null) draft.pending.delete(id);\n",
  },
  { file: 'plans.ts', from: "if (kind === 'swap') free--;", to: 'void kind;' },
  { file: 'plans.ts', from: '  draft.dirty.add(swap.eip);\n  const', to: '  const' },
];

/** R1: a term that is over is not taken again. */
const pastCheck = '  if (term <= (draft.past.get(eip) ?? 0)) return;\n  const holding';

export const mutations: readonly Mutation[] = [
  {
    name: 'announce-before-confirmed',
    rule: 'R1: an address is announced only once the store has confirmed that it is ours',
    edits: [{
      file: 'plans.ts',
      from: '  draft.withdraw(leaving, true);\n',
      to: `  draft.withdraw(leaving, true);
  for (const { action, swap: { eip, next } } of plans) {
    if (action === 'claim') draft.announce({ eip, term: next.term, probe: false });
  }
`,
    }],
  },
  {
    name: 'no-store-deadline',
    rule: 'R2: claims end when the node lease may have expired',
    edits: [
      {
        file: 'tenure.ts',
        from: 'return sentAt + ttlMs * (1 - 2 * draft',
        to: 'return sentAt + 1e9 * ttlMs * (1 - 2 * draft',
      },
    ],
  },
  {
    name: 'deadline-from-answer',
    rule: 'R2 counts from when the renewal was sent, not from when its answer was read',
    edits: [{
      file: 'step.ts',
      from: 'return onRenewAnswer(draft, answer, pending.sentAt);',
      to: 'return onRenewAnswer(draft, answer, draft.now.boot);',
    }],
  },
  {
    name: 'no-drift',
    rule: 'R2 leaves room for the error of both clocks',
    edits: [{ file: 'tenure.ts', from: '(1 - 2 * draft.options.clockRateError)', to: '1' }],
  },
  {
    name: 'past-terms-revive',
    rule: 'A term that we gave up is over for us, whatever the store still shows',
    edits: [
      { file: 'holdings.ts', from: pastCheck, to: '  const holding' },
      { file: 'ownership.ts', from: 'lease.term <= (draft.past.get(eip) ?? 0)', to: 'lease.term < 0' },
    ],
  },
  {
    name: 'late-answers-count',
    rule: 'An answer that comes after its request was given up on revives nothing',
    edits: [
      ...answersStayOpen,
      { file: 'holdings.ts', from: pastCheck, to: '  const holding' },
    ],
  },
  {
    name: 'earlier-incarnation-counts',
    rule: 'An answer meant for an earlier incarnation changes nothing in the present one',
    edits: [...answersStayOpen, { file: 'tenure.ts', from: '  draft.pending.clear();\n', to: '' }],
  },
  {
    name: 'release-before-withdraw',
    rule: 'An address is withdrawn before it is given away',
    edits: [{
      file: 'draft.ts',
      from: 'return [...this.#effects, ...announce, ...this.#requests];',
      to: 'return [...announce, ...this.#requests, ...this.#effects];',
    }],
  },
  {
    name: 'replace-anyone',
    rule: "Only this place's own earlier run may be replaced before its lease expires",
    edits: [{
      file: 'tenure.ts',
      from: 'if (by.record.place === draft.facts.place) {',
      to: "if (by.id.node !== '') {",
    }],
  },
];

/** Makes the mutated core in a folder of its own; fails if the source no longer has the rule. */
export async function withMutant<T>(
  mutation: Mutation, use: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), `tenure-mutant-${mutation.name}-`));
  try {
    await cp(fileURLToPath(new URL('../../src/core', import.meta.url)), folder, { recursive: true });
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }\n');
    for (const { file, from, to } of mutation.edits) {
      const source = await readFile(join(folder, file), 'utf8');
      if (source.split(from).length !== 2) {
        throw new Error(`mutation ${mutation.name}: src/core/${file} has no single place with: ${from}`);
      }
      await writeFile(join(folder, file), source.replace(from, () => to));
    }
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
