// All tests of Tenure: `npm test`. Plain Node, so that it can install what is missing first.
//
//   npm test                              everything
//   npm test -- unit netns                some groups
//   npm test -- --file test/unit/x.test.ts [--only-name PATTERN]
//   --strict: a skipped test counts as a failure, unless its reason begins with "this kernel"
//   --no-setup: installs and builds nothing, and uses what is there
//
// Each file runs in a process of its own, marked in its environment, so that it can be given up on
// after a time, and what it leaves on the machine can be found and laid at its door.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { provideApiServer } from './lab/apiserver-build.mjs';
import { BuildError } from './lab/build-cache.mjs';
import { clean, endMarked, marked, marker, snapshot } from './runner/leftovers.mjs';
import { SetupError, prepare, root, unfitNode } from './setup.mjs';

/**
 * By the first folder under test/, in this order. What has namespaces of its own mostly waits, so
 * several files run at once: the longest first, of those with many agents one at a time, and those
 * that load or time the machine alone, last.
 */
const groups = [
  { name: 'unit', atOnce: 2, limitS: 180, needs: [], root: false },
  { name: 'store', atOnce: 2, limitS: 300, needs: ['etcd', 'etcdctl', 'openssl'], root: false },
  { name: 'simulation', atOnce: 2, limitS: 900, needs: [], root: false },
  {
    name: 'netns', atOnce: 3, limitS: 600, needs: ['ip', 'nft', 'nsenter'], root: true,
    kubernetes: true,
    first: /quorum-(faults|networks)|agent-faults|keepalived-(fence|agent|supervisor)/,
    heavy: /quorum-(faults|networks)|agent-faults/,
    alone: /-load|-timing|-upkeep|realtime|quorum-(leader|partitions)/,
  },
  {
    name: 'cluster', atOnce: 2, limitS: 900, needs: ['ip', 'nft', 'nsenter'], root: true,
    kubernetes: true,
    first: /-(faults|hands)/, alone: /-rest/,
  },
];

const say = (line) => console.log(line);
const runId = `${process.pid}-${Date.now().toString(36)}`;
const totals = { passed: 0, failed: 0, skipped: 0 };
const failures = [];
const skips = [];
const children = new Set();
let interrupted = null;

function parseArguments(words) {
  const options = { groups: [], files: [], onlyName: null, strict: false, setup: true };
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i];
    const value = () => {
      i += 1;
      if (words[i] === undefined) fail(`${word} needs a value`);
      return words[i];
    };
    if (word === '--strict') options.strict = true;
    else if (word === '--no-setup') options.setup = false;
    else if (word === '--file') options.files.push(relative(root, resolve(value())));
    else if (word === '--only-name') options.onlyName = value();
    else if (groups.some((group) => group.name === word)) options.groups.push(word);
    else fail(`${word}: known are --file FILE, --only-name PATTERN, --strict, --no-setup, and the groups ${groups.map((group) => group.name).join(', ')}`);
  }
  for (const file of options.files) {
    if (!existsSync(join(root, file))) fail(`--file ${file}: there is no such file`);
  }
  return options;
}

function fail(message) {
  console.error(message);
  process.exit(2);
}

function groupOf(file) {
  return groups.find((group) => file.startsWith(`test/${group.name}/`));
}

function testFiles(options) {
  const all = options.files.length > 0 ? options.files
    : readdirSync(join(root, 'test'), { recursive: true })
      .filter((name) => name.endsWith('.test.ts')).map((name) => join('test', name)).sort();
  const stray = all.filter((file) => groupOf(file) === undefined);
  if (stray.length > 0) fail(`${stray.join(', ')}: in none of ${groups.map((group) => `test/${group.name}`).join(', ')}`);
  return all;
}

/** Why a group cannot run here; null if it can. */
function unfit(group, missing) {
  if (process.platform !== 'linux') return `${process.platform} is not Linux`;
  if (group.root && process.getuid() !== 0) return 'needs root';
  const lacking = group.needs.filter((program) => missing.includes(program));
  return lacking.length === 0 ? null : `${lacking.join(', ')} not installed`;
}

async function runGroup(group, files, options) {
  say(`\n${group.name}`);
  const before = snapshot();
  const { first = /^$/, heavy = /^$/, alone = /^$/ } = group;
  // Backwards, as what comes first by name would leave the longest for the end.
  const long = files.filter((file) => first.test(file)).reverse();
  const quiet = files.filter((file) => alone.test(file));
  const queue = [...long, ...files.filter((file) => !long.includes(file) && !quiet.includes(file))];
  let heavies = 0;
  const next = () => {
    const at = heavies === 0 ? 0 : queue.findIndex((file) => !heavy.test(file));
    return at === -1 ? undefined : queue.splice(at, 1)[0];
  };
  const work = async () => {
    for (let file = next(); file !== undefined && interrupted === null; file = next()) {
      const isHeavy = heavy.test(file);
      if (isHeavy) heavies += 1;
      await runFile(file, group, options);
      if (isHeavy) heavies -= 1;
    }
  };
  await Promise.all(Array.from({ length: group.atOnce }, work));
  reportLeftovers(before, `a file of ${group.name}`);
  for (const file of quiet) {
    if (interrupted !== null) return;
    await runFile(file, group, options);
    reportLeftovers(before, file);
  }
}

function reportLeftovers(before, who) {
  const { left, foreign } = clean(before);
  if (left.length > 0) failed(who, 'leaves nothing behind', `left: ${left.join(', ')}`);
  for (const name of foreign) {
    say(`  note: ${name} is new, but perhaps someone else's; it stays`);
    (name.startsWith('network') ? before.namespaces : before.tables).add(name.replace(/^\w+ \w+ /, ''));
  }
}

async function runFile(file, group, options) {
  const mark = `${runId}:${file}`;
  const events = join(scratch, `${file.replaceAll('/', '+')}.jsonl`);
  const started = performance.now();
  const { code, signal, output, late } = await runProcess(file, mark, events, group.limitS, options);

  // What it started may need a moment to see that it is gone.
  for (let round = 0; round < 50 && marked(mark).length > 0; round += 1) {
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
  const processes = marked(mark);
  await endMarked(mark);

  const lines = readEvents(events);
  const results = lines.filter((line) => line.outcome !== 'note');
  const notes = lines.filter((line) => line.outcome === 'note').map((line) => line.text);
  const count = { passed: 0, failed: 0, skipped: 0 };
  for (const result of results) count[result.outcome] += 1;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const parts = Object.entries(count).filter(([, n]) => n > 0).map(([what, n]) => `${n} ${what}`);
  say(`  ${file.replace(`test/${group.name}/`, '')}: ${parts.join(', ') || 'nothing ran'} (${seconds} s)`);
  totals.passed += count.passed;

  for (const { outcome, name, reason, error } of results) {
    if (outcome === 'failed') failed(file, name, error);
    if (outcome === 'skipped') skipped(file, name, reason, options);
  }
  const tail = output.trimEnd().split('\n').slice(-60).join('\n');
  if (late) {
    const last = results.at(-1)?.name ?? 'nothing';
    failed(file, 'ends in time', `given up after ${group.limitS} s; last: ${last}\n${tail}`);
  } else if (code !== 0 && count.failed === 0 && interrupted === null) {
    failed(file, 'runs to its end', [signal ?? `exit code ${code}`, ...notes, tail].join('\n'));
  } else if (results.length === 0 && code === 0 && options.onlyName === null) {
    failed(file, 'has tests', 'it has none');
  } else if (count.failed > 0 && tail !== '') {
    say(indent(`It printed:\n${tail}`));
  }
  if (processes.length > 0) {
    failed(file, 'ends the processes that it starts', processes.map(({ pid, command }) => `left: ${pid} ${command}`).join('\n'));
  }
}

function runProcess(file, mark, events, limitS, options) {
  const args = [
    '--import', 'tsx',
    `--test-reporter=${join(root, 'test/runner/reporter.mjs')}`, '--test-reporter-destination=stdout',
    ...(options.onlyName === null ? [] : [`--test-name-pattern=${options.onlyName}`]),
    join(root, file),
  ];
  const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, ...inherited } = process.env;
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd: root, detached: true, stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...inherited, [marker]: mark, TENURE_TEST_EVENTS: events, NO_COLOR: '1' },
    });
    children.add(child);
    let output = '';
    let late = false;
    const add = (text) => { output = (output + text).slice(-200_000); };
    child.stdout.setEncoding('utf8').on('data', add);
    child.stderr.setEncoding('utf8').on('data', add);
    const begun = performance.now();
    const alive = setInterval(() => say(`  ... ${file} (${Math.round((performance.now() - begun) / 1000)} s)`), 60_000);
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGTERM');
    }, limitS * 1000);
    const hardTimer = setTimeout(() => child.kill('SIGKILL'), limitS * 1000 + 10_000);
    // Not 'close': a process that it left behind may hold its output open for ever.
    child.on('exit', (code, signal) => {
      clearInterval(alive);
      clearTimeout(timer);
      clearTimeout(hardTimer);
      children.delete(child);
      setTimeout(() => resolve({ code, signal, output, late }), 10);
    });
  });
}

function readEvents(path) {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line));
}

function failed(where, name, error) {
  totals.failed += 1;
  const text = `FAILED ${where}\n  ${name}\n${indent(error)}`;
  failures.push(text);
  say(indent(text));
}

function skipped(file, name, reason, options) {
  if (options.strict && !reason.startsWith('this kernel')) {
    failed(file, name, `skipped (${reason}), which --strict does not allow`);
    return;
  }
  totals.skipped += 1;
  skips.push(`${file}: ${name} (${reason})`);
}

function indent(text) {
  return text.split('\n').map((line) => `    ${line}`).join('\n');
}

function onSignal(name) {
  if (interrupted !== null) return;
  interrupted = name;
  say(`\n${name}: ending what runs`);
  // Each file's process is in a group of its own, and cleans up by itself.
  for (const child of children) {
    child.kill(name);
    setTimeout(() => child.kill('SIGKILL'), 8_000).unref();
  }
}

/** To build it takes minutes of both processors: in a test, it would take them from that and others. */
async function buildApiServer() {
  try {
    await provideApiServer(say);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    // The tests that need it say so.
    say(error.message);
  }
}

const options = parseArguments(process.argv.slice(2));
const unfitReason = unfitNode();
if (unfitReason !== null) fail(unfitReason);
const startedAt = performance.now();
let missing = [];
try {
  if (options.setup) missing = prepare('test', say);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  fail(error.message);
}

const scratch = mkdtempSync(join(tmpdir(), 'tenure-test-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => onSignal(name));

const files = testFiles(options);
for (const group of groups) {
  const chosen = options.groups.length === 0 || options.groups.includes(group.name);
  const own = files.filter((file) => groupOf(file) === group);
  if (!chosen || own.length === 0 || interrupted !== null) continue;
  const why = unfit(group, missing);
  // A single file may do without.
  if (why === null && group.kubernetes && options.setup && options.files.length === 0) {
    await buildApiServer();
  }
  if (why === null) await runGroup(group, own, options);
  else {
    say(`\n${group.name}: left out, ${why}`);
    for (const file of own) skipped(file, 'all of it', why, options);
  }
}

if (skips.length > 0) say(`\nSkipped:\n${skips.map((line) => `  ${line}`).join('\n')}`);
if (failures.length > 0) say(`\nFailed:\n${failures.join('\n')}`);
if (interrupted !== null) say(`\nInterrupted by ${interrupted}`);
const all = totals.passed + totals.failed + totals.skipped;
if (all === 0) say('\nNo test ran.');
say(`\n${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
say(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exit(totals.failed > 0 || all === 0 || interrupted !== null ? 1 : 0);
