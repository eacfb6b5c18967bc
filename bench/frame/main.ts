/** Runs the benches that are named, or all; prints their tables, and keeps the figures if asked. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { LabError } from '../../test/lab/command.ts';
import { machine } from '../machine.ts';
import { isMet, type Bench, type BenchContext, type Figure } from './bench.ts';
import { Kept } from './kept.ts';
import { figureTable, machineLine } from './report.ts';

const benchDir = fileURLToPath(new URL('..', import.meta.url));
const known = readdirSync(benchDir).filter((name) => name.endsWith('.bench.ts'))
  .map((name) => name.replace('.bench.ts', '')).sort();
const usage = `npm run bench [-- NAME... [--rounds N] [--keep | --into YYYY-MM-DD]]

--rounds N   repeat so often, instead of each bench's own number
--keep       keep the figures in bench/results/<today>.json, .md and .svg, and show them in README.md;
             what is there already stays, and is added to
--into DATE  the same, with the results of that day

Benches: ${known.join(', ')}`;

function refuse(message: string): never {
  console.error(`bench: ${message}`);
  process.exit(2);
}

function read() {
  try {
    return parseArgs({
      options: {
        rounds: { type: 'string' }, keep: { type: 'boolean' }, into: { type: 'string' },
        help: { type: 'boolean' },
      },
      allowPositionals: true,
    });
  } catch (error) {
    return refuse(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
  }
}

const { values: flags, positionals } = read();
if (flags.help === true) {
  console.log(usage);
  process.exit(0);
}
const unknown = positionals.filter((name) => !known.includes(name));
if (unknown.length > 0) refuse(`no bench ${unknown.join(', ')}; there are ${known.join(', ')}`);
if (flags.rounds !== undefined && !/^[1-9]\d{0,5}$/.test(flags.rounds)) {
  refuse(`--rounds ${flags.rounds}: give a whole number of at least 1`);
}
if (flags.into !== undefined && !/^\d{4}-\d{2}-\d{2}$/.test(flags.into)) {
  refuse(`--into ${flags.into}: give a day, such as ${new Date().toISOString().slice(0, 10)}`);
}
const rounds = flags.rounds === undefined ? null : Number(flags.rounds);
const chosen = positionals.length > 0 ? positionals : known;
const begun = new Date().toISOString();
const on = machine();
const kept = flags.keep === true || flags.into !== undefined
  ? new Kept(flags.into ?? begun.slice(0, 10), { begun, machine: on, benches: chosen, rounds })
  : null;

let failed = 0;

/** Null: it could not be measured, for a reason that was told; the others still can. */
async function run(bench: Bench, context: BenchContext): Promise<readonly Figure[] | null> {
  try {
    return await bench.run(context);
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    failed += 1;
    context.say(`failed: ${error.message}`, true);
    return null;
  }
}

let missed = 0;
console.log(machineLine(on));
for (const name of chosen) {
  const { default: bench } = await import(new URL(`../${name}.bench.ts`, import.meta.url).href) as { default: Bench };
  console.log(`\n${name}: ${bench.about}`);
  const say = (text: string, lasting = false): void => {
    if (process.stdout.isTTY) process.stdout.write(`\r\u001b[K  ${text}`);
    else if (lasting) process.stdout.write(`  ${text}`);
    if (lasting) process.stdout.write('\n');
  };
  const figures = await run(bench, { rounds, say, kept: kept?.bench(name) ?? null });
  if (process.stdout.isTTY) process.stdout.write('\r\u001b[K');
  if (figures === null) continue;
  console.log(figureTable(figures));
  missed += figures.filter((figure) => isMet(figure, figures) === false).length;
  kept?.figures(name, bench.about, figures);
}
if (kept !== null) console.log(`\nKept in ${kept.name}.json and beside it`);
if (missed > 0) console.log(`\n${missed} missed`);
process.exitCode = missed === 0 && failed === 0 ? 0 : 1;
