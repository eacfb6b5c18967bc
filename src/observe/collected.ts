/** Metrics that are read when someone asks, so that nothing has to be kept up to date meanwhile. */
import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';

export interface Collected<L extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly L[];
}

/** Has the samples that `fill` sets, and none where it sets none. */
export function collectedGauge<L extends string>(
  registry: Registry, { name, help, labelNames }: Collected<L>, fill: (gauge: Gauge<L>) => void,
): void {
  registry.registerMetric(new Gauge<L>({
    name, help, labelNames: [...labelNames], registers: [],
    collect() {
      this.reset();
      // Without labels, a reset leaves a 0, which would be a statement.
      if (labelNames.length === 0) this.remove();
      fill(this);
    },
  }));
}

/** One sample for each value of the label. */
export function collectedCounter<L extends string>(
  registry: Registry, { name, help, label }: Omit<Collected<L>, 'labelNames'> & { readonly label: L },
  of: () => Iterable<readonly [string, number]>,
): void {
  registry.registerMetric(new Counter({
    name, help, labelNames: [label], registers: [],
    collect() {
      this.reset();
      for (const [value, n] of of()) this.inc({ [label]: value } as Record<L, string>, n);
    },
  }));
}
