import { cpus, release, totalmem } from 'node:os';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
}

/** What figures were taken on. */
export function machine(): Machine {
  const cores = cpus();
  return {
    cpu: cores[0]?.model.trim() ?? 'unknown', cores: cores.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30), kernel: release(), node: process.version,
  };
}
