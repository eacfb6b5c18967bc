/** What agents say of their time of support, on real hosts' terms; and of how a move went. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sleep, until } from '../lab/command.ts';
import { eip, nextHolder, setStage } from './agent-stage.ts';
import type { Stage } from './agent-stage.ts';

interface Timing {
  readonly verdict: string;
  readonly perDay: number;
  readonly fitMs: number;
}

async function timings({ tenure }: Stage): Promise<readonly (Timing | null)[]> {
  const { stdout } = await tenure.attempt(['status', '-o', 'json']);
  const { nodes } = JSON.parse(stdout) as { nodes: readonly { readonly timing: Timing | null }[] };
  return nodes.map(({ timing }) => timing);
}

async function metrics({ lab }: Stage, node: string): Promise<string> {
  const script = "fetch('http://127.0.0.1:9476/metrics').then((r) => r.text()).then((t) => console.log(t))";
  return lab.run(node, [process.execPath, '-e', script], {
    env: { ...process.env, NODE_OPTIONS: '' },
  });
}

interface Move {
  readonly to: string;
  readonly reason: string;
  readonly timeline: {
    readonly from: string;
    readonly steps: Readonly<Record<string, number | null>>;
  } | null;
}

// Each in a lab of its own, and most of it is waiting.
describe('what quorum mode finds of itself', { concurrency: 3 }, () => {
  it('is a time of support that is needlessly long on a quiet network, with what would do', async () => {
    // 200 beats are the least that anything is said of.
    await using stage = await setStage({
      heartbeat: { interval: '50ms', support: '20s', observe: '10s' },
    });
    const all = await until('every node finds it slow', async () => {
      const said = await timings(stage);
      return said.every((timing) => timing?.verdict === 'slow') && said;
    }, 90_000, 1000);
    for (const timing of all) assert.ok(timing!.fitMs <= 5000, `${String(timing!.fitMs)} ms would do`);
    const text = await stage.tenure.command('status');
    assert.match(text, /A dead node is given up after 20s \(heartbeat\.support\), which is longer than these hosts and their network need \(observed by n1, n2, n3\): heartbeat\.\w+ to .* on every node would do/);
    const shown = await metrics(stage, 'n1');
    assert.match(shown, /^tenure_support_seconds\{what="set"\} 20$/m);
    assert.match(shown, /^tenure_support_seconds\{what="fits"\} [0-9.]+$/m);
    assert.match(shown, /^tenure_false_depositions_per_day [0-9.e-]+$/m);
    assert.match(shown, /^tenure_heartbeat_late_seconds\{of="self",quantile="0\.999"\} 0\.0/m);
    assert.match(shown, /^tenure_heartbeat_late_seconds\{of="n2",quantile="1"\} 0\.[0-9]+$/m);
  });

  it('is a time of support that is too tight where a third of all packets is lost, with how often that costs a move', async () => {
    await using stage = await setStage({
      heartbeat: { interval: '20ms', support: '100ms', observe: '10s' },
    });
    const { lab } = stage;
    for (const node of ['n1', 'n2', 'n3']) await lab.lose(node, 'from', 0.3);
    await until('a node finds it too tight', async () => (
      (await timings(stage)).some((timing) => timing?.verdict === 'tight')), 90_000, 1000);
    await lab.mendAll();
    const text = (await stage.tenure.attempt(['status'])).stdout;
    assert.match(text, /WARNING {2}n\d: heartbeat\.support of 100ms is too tight: heartbeats of the others come late, or are lost\. About \d+(\.\d)? false depositions a day are to be expected/);
    await lab.sniffer.assertHeardAll();
  });

  it('is in the history: how an inherited address came to its new holder, step by step', async () => {
    await using stage = await setStage({
      heartbeat: { interval: '60ms', support: '400ms' },
    });
    const { lab, tenure, holder } = stage;
    await Promise.all([lab.lose(holder, 'both'), lab.lose(holder, 'both', 1, 'mgmt')]);
    const next = await nextHolder(stage);
    await sleep(1500);
    await lab.mendAll();
    // The dead one is back in the line: so the record is written once more.
    const move = await until('the store tells of its own confirmation', async () => {
      const moves = JSON.parse(
        await tenure.command('history', eip, '--timeline', '-o', 'json')) as Move[];
      const [last] = moves;
      return typeof last?.timeline?.steps.confirmed === 'number' && last;
    }, 20_000, 300);
    assert.deepEqual([move.to, move.reason, move.timeline?.from], [next, 'inherited', 'heartbeat']);
    const { withdrawn, certified, opened, claimed, served, confirmed } = move.timeline!.steps;
    assert.ok(withdrawn! >= 350 && withdrawn! < 2500, `withdrawn after ${String(withdrawn)} ms`);
    const steps = [withdrawn, certified, opened, claimed, served];
    assert.deepEqual(steps, steps.toSorted((a, b) => a! - b!), 'each after the one before it');
    assert.ok(confirmed! > certified!, 'the store was told afterwards');
    assert.match(await tenure.command('history', eip, '-t'), /CERTIFICATE +GATE +CLAIM +SERVED +STORE/);
  });
});
