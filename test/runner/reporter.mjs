// A node:test reporter: one JSON line for each test that counts, into the file that the runner
// named. Written at once and synchronously: it is all there whatever becomes of the process.
import { openSync, writeSync } from 'node:fs';
import { inspect } from 'node:util';

const file = openSync(process.env.TENURE_TEST_EVENTS, 'a');

export default async function* report(events) {
  /** Names of the tests under way, outermost first, and which of them turned out to have children. */
  const names = [];
  const hasChildren = [];
  for await (const { type, data } of events) {
    if (type === 'test:start') {
      names[data.nesting] = data.name;
      hasChildren[data.nesting] = false;
    }
    // Node tells this way of an error that came after its test had ended.
    if (type === 'test:diagnostic' && !/^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) /.test(data.message)) {
      writeSync(file, `${JSON.stringify({ outcome: 'note', text: data.message })}\n`);
    }
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const { nesting } = data;
    names[nesting] = data.name;
    const isLeaf = !hasChildren[nesting];
    hasChildren[nesting] = false;
    if (nesting > 0) hasChildren[nesting - 1] = true;
    const outcome = judge(type, data, isLeaf);
    if (outcome === null) continue;
    const path = names.slice(0, nesting + 1).join(' > ');
    const line = { ...outcome, name: path, ms: data.details.duration_ms };
    writeSync(file, `${JSON.stringify(line)}\n`);
  }
}

/** Leaves count; a parent only where it failed by itself, as by a hook. */
function judge(type, data, isLeaf) {
  const skip = data.skip ?? data.todo;
  if (skip !== undefined && skip !== false) {
    const reason = typeof skip === 'string' && skip !== '' ? skip : data.todo ? 'todo' : 'no reason given';
    // So Node 20 shows tests that --test-name-pattern leaves out.
    if (!isLeaf || reason === 'test name does not match pattern') return null;
    return { outcome: 'skipped', reason };
  }
  if (type === 'test:pass') return isLeaf && data.details.type !== 'suite' ? { outcome: 'passed' } : null;
  const error = data.details.error;
  if (!isLeaf && error?.failureType === 'subtestsFailed') return null;
  return { outcome: 'failed', error: describe(error) };
}

function describe(error) {
  const cause = error?.cause ?? error;
  if (error?.failureType === 'cancelledByParent') return 'cancelled: its parent failed or ended first';
  if (typeof cause === 'string') return cause;
  // Its message has what the fields would say once more.
  const text = cause?.code === 'ERR_ASSERTION' ? cause.stack
    : inspect(cause, { depth: 6, colors: false, maxStringLength: 20_000 });
  return text.split('\n').filter((line) => !/^\s+at .*\(?node:internal\//.test(line)).join('\n');
}
