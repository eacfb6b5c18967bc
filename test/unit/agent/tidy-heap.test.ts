import { describe, it, mock } from 'node:test';
import assert from 'node:assert/strict';
import { tidyHeap } from '../../../src/agent/tidy-heap.ts';

const everyMs = 4_000;

/** Looks at heaps of these sizes, committed and used, in turn; gives when it collected. */
function collections(
  sizes: readonly (readonly [number, number])[], after: readonly [number, number],
): number[] {
  mock.timers.enable({ apis: ['setInterval'] });
  const [first = [0, 0] as const] = sizes;
  let [committed, used] = first;
  const at: number[] = [];
  let look = 0;
  const tidying = tidyHeap({
    everyMs, measure: () => ({ committed, used }),
    collect: () => {
      at.push(look);
      [committed, used] = after;
    },
  });
  for (const size of sizes) {
    look += 1;
    [committed, used] = size;
    mock.timers.tick(everyMs);
  }
  tidying.stop();
  mock.timers.tick(10 * everyMs);
  mock.timers.reset();
  return at;
}

describe('the heap of an agent', () => {
  it('is collected once it is calm after a storm, and not during it', () => {
    const storm = [[40, 25], [55, 45], [70, 60], [70, 40], [70, 65]] as const;
    const calm = [[70, 41], [70, 41.5], [30, 25.5], [30, 26], [30, 26.5], [30, 27]] as const;
    assert.deepEqual(collections([...storm, ...calm], [30, 25]), [7]);
  });

  it('is left alone where little was taken, and after a few collections that brought nothing', () => {
    assert.deepEqual(collections(new Array(10).fill([33, 25]) as [number, number][], [33, 25]), []);
    const stubborn = new Array(20).fill([60, 25]) as [number, number][];
    assert.deepEqual(collections(stubborn, [60, 25]), [2, 4, 6]);
  });

  it('is collected again where the first collection gave nothing back', () => {
    const before = new Array(4).fill([60, 25]) as [number, number][];
    const after = new Array(8).fill([32, 25]) as [number, number][];
    assert.deepEqual(collections([...before, ...after], [60, 25]), [2, 4]);
  });

  it('is left alone where Node offers no collection', () => {
    tidyHeap({ collect: undefined, measure: () => assert.fail('it looked') }).stop();
  });
});
