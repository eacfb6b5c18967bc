/** What agents say of their time of support, measured on a real network. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../lab/command.ts';
import { setStage } from './agent-stage.ts';
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

describe('what quorum mode finds of itself', () => {
  it('is a time of support that is needlessly long on a quiet network, with what would do', async () => {
    // 200 beats are the least that anything is said of.
    await using stage = await setStage({
      heartbeat: { interval: '50ms', support: '60s', observe: '10s' },
    });
    await until('status says what would do', async () => {
      const { stdout } = await stage.tenure.attempt(['status']);
      return /A dead node is given up after 1m \(heartbeat\.support\), which is longer than these hosts and their network need \(observed by n1, n2, n3\): heartbeat\.\w+ to .* on every node would do/.test(stdout);
    }, 90_000, 1000);
    for (const timing of await timings(stage)) {
      assert.ok(timing === null || timing.fitMs <= 20_000, JSON.stringify(timing));
    }
    const shown = await metrics(stage, 'n1');
    assert.match(shown, /^tenure_support_seconds\{what="set"\} 60$/m);
    assert.match(shown, /^tenure_support_seconds\{what="fits"\} [0-9.]+$/m);
    assert.match(shown, /^tenure_false_depositions_per_day [0-9.e-]+$/m);
    assert.match(shown, /^tenure_heartbeat_late_seconds\{of="self",quantile="0\.999"\} 0\.0/m);
    assert.match(shown, /^tenure_heartbeat_late_seconds\{of="n2",quantile="1"\} 0\.[0-9]+$/m);
  });

  it('is a time of support that is too tight where half of all packets are lost, with how often that costs a move', async () => {
    await using stage = await setStage({
      heartbeat: { interval: '20ms', support: '100ms', observe: '10s' },
    });
    const { lab } = stage;
    for (const node of ['n1', 'n2', 'n3']) await lab.lose(node, 'from', 0.5);
    await until('status says that it is too tight', async () => {
      const { stdout } = await stage.tenure.attempt(['status']);
      return /WARNING {2}n\d: heartbeat\.support of 100ms is too tight: heartbeats of the others come late, or are lost\. About \d+(\.\d)? false depositions a day are to be expected/.test(stdout);
    }, 90_000, 1000);
    const tight = (await timings(stage)).find((timing) => timing?.verdict === 'tight');
    assert.ok(tight === undefined || tight!.fitMs > 100, JSON.stringify(tight));
    await lab.sniffer.assertHeardAll();
  });
});
