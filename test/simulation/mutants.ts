/**
 * The production core with one safety rule taken away, by a change of its source text: so the
 * rules need no switches in the product, and each is shown to be needed and to be tested.
 */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Mode } from './explore.ts';
import type { Aim } from './scripts.ts';
import type { Harm } from './violation.ts';

export interface Mutation {
  readonly name: string;
  /** In which mode its rule is needed. */
  readonly mode: Mode;
  readonly rule: string;
  /** What its absence leads to. */
  readonly harm: Harm;
  /** What the faults aim at, if what it takes is rare. */
  readonly aim?: Aim;
  /** Where to look first, if it is rare all the same. */
  readonly seed?: number;
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

/** Where answers of earlier incarnations are kept out: of this one, or not ours at all. */
const ofThisTenure = (holder: string): string =>
  `(${holder}?.node !== draft.options.node || ${holder}.incarnation === draft.tenure?.incarnation)`;

/** Without `harm`: two announcers. */
type Written = Omit<Mutation, 'mode' | 'harm'> & { readonly harm?: Harm };

const leaseMode: readonly Written[] = [
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
    aim: 'answers',
    rule: 'A term that we gave up is over for us, whatever the store still shows',
    edits: [
      { file: 'holdings.ts', from: pastCheck, to: '  const holding' },
      { file: 'ownership.ts', from: 'lease.term <= (draft.past.get(eip) ?? 0)', to: 'lease.term < 0' },
    ],
  },
  {
    name: 'late-answers-count',
    rule: 'An answer that comes after its request was given up on revives nothing',
    aim: 'answers',
    edits: [
      ...answersStayOpen,
      { file: 'holdings.ts', from: pastCheck, to: '  const holding' },
    ],
  },
  {
    // Three things stand before it, each enough: all are taken away, for such answers alone.
    name: 'earlier-incarnation-counts',
    rule: 'An answer meant for an earlier incarnation revives nothing in the present one',
    aim: 'answers',
    edits: [
      { file: 'tenure.ts', from: '  draft.pending.clear();\n', to: '' },
      {
        file: 'plans.ts', from: '  draft.dirty.add(swap.eip);\n  const',
        to: `  if ${ofThisTenure('swap.next.holder')} draft.dirty.add(swap.eip);\n  const`,
      },
      {
        file: 'holdings.ts', from: pastCheck,
        to: pastCheck.replace('if (term', `if (${ofThisTenure('lease.holder')} && term`),
      },
    ],
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
    rule: 'Only an earlier run that is known to be silent may be replaced before its lease expires',
    edits: [{
      file: 'tenure.ts',
      from: 'if (isSilent(by.record, draft.facts)) {',
      to: "if (isSilent(by.record, draft.facts) || by.id.node !== '') {",
    }],
  },
  {
    name: 'replace-any-of-the-machine',
    rule: 'A run of this machine is known to be silent only if its kernel is gone',
    edits: [{
      file: 'tenure.ts', from: 'return record.machine.kernel !== machine.kernel;', to: 'return true;',
    }],
  },
];

/** Where an address that we hold, and the store says another does, is looked at. */
const ownHolding = `  const holding = draft.held.get(eip);
  if (holding !== undefined) {
    // What we inherited`;

/** Each of the protocol's rules of quorum mode. */
const quorumMode: readonly Written[] = [
  {
    name: 'no-support',
    rule: 'R3: claims end when a majority of the voters may have withdrawn',
    edits: [{
      file: 'quorum/support.ts', from: '  if (regime.epoch === 0) return Infinity;',
      to: '  if (regime.epoch >= 0) return Infinity;',
    }],
  },
  {
    name: 'support-from-answer',
    rule: 'R3 counts from when the heartbeat was sent, not from when its echo came',
    edits: [{
      file: 'quorum/support.ts', from: 'const until = echo.sentAt +', to: 'const until = draft.now.boot +',
    }],
  },
  {
    name: 'early-withdraw',
    rule: 'A voter keeps its promise until the end',
    edits: [{
      file: 'quorum/voting.ts', from: 'if (now.boot <= given.until) continue;',
      to: 'if (now.boot <= given.until - options.supportMs / 2) continue;',
    }],
  },
  {
    name: 'hold-counted-early',
    rule: 'R2: a longer lease counts once the store has confirmed it',
    edits: [{
      file: 'tenure.ts', from: '    draft.phase = { ...open, renewal: null, renewAt: Math.min(open.renewAt, now.boot + pause) };',
      to: `    const deadline = Math.max(open.deadline, deadlineFrom(draft, sentAt, ttlOf(draft, open)));
    draft.phase = { ...open, deadline, renewal: null, renewAt: Math.min(open.renewAt, now.boot + pause) };`,
    }],
  },
  {
    name: 'switch-early',
    aim: 'epochs',
    rule: 'While a change of epoch is under way both records bind',
    edits: [{
      file: 'quorum/epochs.ts', from: 'return { ...judged, regimes: [...judged.regimes, regime] };',
      to: 'return { ...judged, regimes: [regime] };',
    }],
  },
  {
    name: 'give-what-was-not-taken',
    aim: 'answers',
    rule: 'A term that we asked to give away is over for us, also if we had not taken it up',
    edits: [{ file: 'plans.ts', from: "    forbid(draft, eip, lease?.term ?? 0);\n", to: '' }],
  },
  {
    name: 'release-after-withdrawal',
    aim: 'epochs',
    rule: 'A voter that withdrew from an epoch does not release it',
    edits: [
      { file: 'quorum/support.ts', from: ' && echo.withdrawn < epoch.epoch;', to: ';' },
    ],
  },
  {
    name: 'supported-after-withdrawal',
    aim: 'epochs',
    rule: 'A promise to a later epoch holds for an earlier one only if that was not withdrawn from',
    edits: [
      { file: 'quorum/support.ts', from: 'epoch > withdrawn && epoch < promised', to: 'epoch < promised' },
    ],
  },
  {
    name: 'forget-withdrawal',
    rule: 'A withdrawal is for ever',
    edits: [
      {
        file: 'quorum/voting.ts',
        from: 'if (epoch <= withdrawnEpoch(voting, { node, incarnation }) || supportMs <= 0) return;',
        to: 'if (supportMs <= 0) return;',
      },
      {
        file: 'quorum/heartbeats.ts',
        from: `  const withdrawn = withdrawnEpoch(draft.voting, { node, incarnation });
  if (withdrawn >= epoch) return null;
`,
        to: '  const withdrawn = 0;\n',
      },
    ],
  },
  {
    name: 'no-release',
    rule: 'An epoch that was left binds until a majority of its voters released it',
    aim: 'epochs',
    edits: [{
      file: 'quorum/epochs.ts', from: 'const leaves = old.epoch > 0 && old.epoch !== regime.epoch;',
      to: 'const leaves = old.epoch < 0;',
    }],
  },
  {
    name: 'voters-without-boots',
    rule: 'A voter that was started anew has promised nothing, and knows of none of its withdrawals',
    aim: 'amnesia',
    edits: [
      {
        file: 'quorum/types.ts', from: 'return `${node}\\n${String(boot)}`;',
        to: 'return boot < 0 ? node : `${node}\\n`;',
      },
      {
        file: 'quorum/types.ts', from: 'return a.node === b.node && a.boot === b.boot;',
        to: 'return a.node === b.node;',
      },
    ],
  },
  {
    name: 'forget-former',
    rule: 'Whoever is struck out of a line stays in the record as a former heir',
    aim: 'lines',
    edits: [
      { file: 'succession.ts', from: 'const next = [...freed, ...struck];', to: 'const next = [...freed];' },
      {
        file: 'succession.ts', from: '!draft.ended(id) && !sameTenure(id, first));',
        to: '!draft.ended(id) && first !== null && id === null);',
      },
    ],
  },
  {
    name: 'free-at-once',
    rule: 'A former heir is freed only when a majority of our voters know the record that struck it out',
    aim: 'lines',
    edits: [{
      file: 'succession.ts',
      from: 'return judged.left.length === 0 && lease.revision <= judged.relied;',
      to: 'return judged.left.length === 0 && lease.revision > 0;',
    }],
  },
  {
    name: 'release-forgets-heirs',
    rule: 'Heirs of an address that is given up stay former: they might still inherit by the old record',
    aim: 'lines',
    edits: [{
      file: 'ownership.ts',
      from: '      former: [...former, ...heirs].filter((id) => !draft.ended(id)),\n',
      to: '      former,\n',
    }],
  },
  {
    name: 'renounce-what-was-inherited',
    rule: 'Who inherited by an older record does not renounce: it writes itself down',
    aim: 'lines',
    edits: [{
      file: 'ownership.ts', from: ownHolding,
      to: `  if (lease !== null && renounce(draft, open, lease)) return;\n${ownHolding}`,
    }],
  },
  {
    name: 'renounce-for-all',
    rule: 'A former heir strikes out itself alone: the others might still inherit by an older record',
    aim: 'lines',
    edits: [{
      file: 'succession.ts',
      from: '    former: lease.former.filter((id) => !sameTenure(id, me)),\n  }));\n  return true;',
      to: '    former: [],\n  }));\n  return true;',
    }],
  },
  {
    name: 'never-renounce',
    rule: 'A former heir that lives renounces, or nobody gets what has no live holder',
    harm: 'none',
    aim: 'lines',
    edits: [{
      file: 'ownership.ts', from: '    if (renounce(draft, open, lease)) return;\n', to: '',
    }],
  },
  {
    name: 'minority-evicts',
    rule: 'Ending a node lease ahead of its expiry takes a majority of its voters',
    edits: [{
      file: 'quorum/evict.ts', from: 'lost.length >= majority(lease.record.voters)', to: 'lost.length >= 1',
    }],
  },
  {
    name: 'dead-voters-promise-nothing',
    rule: 'A voter that died counts as one that withdrew once its last promise has lapsed',
    aim: 'deaths',
    edits: [{
      file: 'quorum/evict.ts',
      from: 'return now.boot - given.supportMs * (1 + 2 * options.clockRateError);',
      to: 'void options;\n  return now.boot;',
    }],
  },
  {
    name: 'silent-voters-are-dead',
    rule: 'Only the supervisor can say that a voter is dead: one that is silent may be cut off',
    edits: [{
      file: 'quorum/types.ts',
      from: '    return dead?.boot === boot && dead.at <= deadSince;\n',
      to: `    void dead;
    const { heardAt = Infinity } = voting.peers.get(node) ?? {};
    return (voting.reports.get(of.node)?.size ?? 0) > 0 && heardAt <= deadSince;
`,
    }, {
      file: 'quorum/types.ts',
      from: "  voting: Pick<Voting, 'reports' | 'over'>, of: TenureId,",
      to: "  voting: Pick<Voting, 'reports' | 'over' | 'peers'>, of: TenureId,",
    }],
  },
  {
    name: 'minority-inherits',
    rule: 'Inheriting takes a majority of the voters of each who comes before',
    edits: [
      { file: 'quorum/voting.ts', from: 'if (votes.length < majority(record.voters)) return null;', to: 'if (votes.length < 1) return null;' },
      { file: 'quorum/evict.ts', from: 'of voting.reports.keys()) {', to: 'of [...voting.reports.keys()].slice(0, 0)) {' },
    ],
  },
  {
    name: 'later-epoch-inherits',
    rule: 'A certificate is of the epoch that the view shows: that may have been left for a later one',
    aim: 'epochs',
    edits: [{
      file: 'quorum/voting.ts', from: 'const votes = votesAgainst(draft.voting, id, record);',
      to: `const against = [...draft.voting.reports.get(id.node)?.values() ?? []];
  const votes = record.voters.filter(({ node }) => node !== id.node)
    .flatMap((voter) => against.find((each) => each.of.incarnation === id.incarnation
      && each.epoch >= record.epoch && each.voter.node === voter.node
      && each.voter.boot === voter.boot) ?? []);`,
    }],
  },
  {
    name: 'stale-heir',
    aim: 'lines',
    rule: 'A heir whose view is behind the floor of a withdrawal does not inherit',
    edits: [{
      file: 'succession.ts', from: 'if (each.floor > draft.revision) return false;', to: '',
    }],
  },
  {
    name: 'unconfirmed-heir',
    aim: 'lines',
    rule: 'A heir inherits only by a record that a majority of the voters know',
    edits: [{
      file: 'succession.ts', from: 'if (lease.revision > first.relied) return false;', to: '',
    }],
  },
  {
    name: 'claim-over-heirs',
    aim: 'lines',
    rule: 'Who claims through the store waits for the end of all before it in line, and all former heirs',
    edits: [
      {
        file: 'ownership.ts',
        from: 'return [...holder === null ? [] : [holder], ...place < 0 ? heirs : heirs.slice(0, place)];',
        to: 'return place > -2 && holder !== null ? [holder] : [];',
      },
      { file: 'ownership.ts', from: '  if (lease?.former.some((id) => !draft.ended(id))) return;\n', to: '' },
      { file: 'ownership.ts', from: '[...beforeUs(open, lease), ...lease.former],', to: 'beforeUs(open, lease),' },
    ],
  },
  {
    name: 'confirmed-while-leaving',
    aim: 'leaving',
    rule: 'A line is confirmed only once every earlier epoch of its holder is released',
    edits: [{
      file: 'quorum/support.ts',
      from: 'judged.relied >= judged.floor || judged.left.length > 0',
      to: 'judged.relied >= judged.floor',
    }],
  },
  {
    name: 'transfer-over-heirs',
    aim: 'lines',
    rule: 'An address is handed to its first heir, or to anyone once there are no others',
    edits: [{
      file: 'ownership.ts',
      from: 'if (wanted !== null && free && (first === null || sameTenure(first, wanted))) {',
      to: 'if (wanted !== null && free) {',
    }],
  },
  {
    name: 'transfer-before-withdraw',
    rule: 'An address is withdrawn before it is handed over',
    edits: [{
      file: 'plans.ts', from: "return action === 'hand-over' || action === 'release'", to: "return action === 'release'",
    }],
  },
];

const both = [
  'no-store-deadline', 'past-terms-revive', 'late-answers-count', 'earlier-incarnation-counts',
];
/** Where nobody has voters there are lines too. */
const ofLines = ['claim-over-heirs'];

function inMode(mode: Mode, written: readonly Written[]): readonly Mutation[] {
  return written.map((mutation) => ({ harm: 'two', ...mutation, mode }));
}

export const mutations: readonly Mutation[] = [
  ...inMode('lease', leaseMode),
  ...inMode('lease', quorumMode.filter(({ name }) => ofLines.includes(name))),
  ...inMode('quorum', leaseMode.filter(({ name }) => both.includes(name))),
  ...inMode('quorum', quorumMode),
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
