/** Runs the benches that are named, or all; prints their tables and keeps the figures. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { machine } from '../machine.ts';
import { distribution, isMet, type Bench, type Figure } from './bench.ts';
import { figureTable, machineLine } from './report.ts';

const benchDir = fileURLToPath(new URL('..', import.meta.url));
const known = readdirSync(benchDir).filter((name) => name.endsWith('.bench.ts'))
  .map((name) => name.replace('.bench.ts', '')).sort();

function refuse(message: string): never {
  console.error(`bench: ${message}`);
  process.exit(2);
}

const { values: flags, positionals } = parseArgs({
  options: { rounds: { type: 'string' } }, allowPositionals: true,
});
const unknown = positionals.filter((name) => !known.includes(name));
if (unknown.length > 0) refuse(`no bench ${unknown.join(', ')}; there are ${known.join(', ')}`);
if (flags.rounds !== undefined && !/^[1-9]\d{0,5}$/.test(flags.rounds)) {
  refuse(`--rounds ${flags.rounds}: give a whole number of at least 1`);
}
const rounds = flags.rounds === undefined ? null : Number(flags.rounds);

function summed(figure: Figure): object {
  return { ...figure, ...distribution(figure.samples), met: isMet(figure) };
}

const results: Record<string, readonly object[]> = {};
let missed = 0;
const on = machine();
console.log(machineLine(on));
for (const name of positionals.length > 0 ? positionals : known) {
  const { default: bench } = await import(new URL(`../${name}.bench.ts`, import.meta.url).href) as { default: Bench };
  console.log(`\n${name}: ${bench.about}`);
  const say = (text: string): void => {
    if (process.stdout.isTTY) process.stdout.write(`\r\u001b[K  ${text}`);
  };
  const figures = await bench.run({ rounds, say });
  if (process.stdout.isTTY) process.stdout.write('\r\u001b[K');
  console.log(figureTable(figures));
  missed += figures.filter((figure) => isMet(figure) === false).length;
  results[name] = figures.map(summed);
}

const date = new Date().toISOString().slice(0, 16).replace(':', '-');
mkdirSync(`${benchDir}results`, { recursive: true });
const file = `${benchDir}results/${date}.json`;
writeFileSync(file, `${JSON.stringify({ date: new Date().toISOString(), machine: on, results }, null, 2)}\n`);
console.log(`\nKept in bench/results/${date}.json${missed === 0 ? '' : `; ${missed} missed`}`);
process.exitCode = missed === 0 ? 0 : 1;
