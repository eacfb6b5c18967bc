/**
 * The files by which a lease in the store moves keepalived's priorities (track_file, weight 1): it
 * follows them by inotify, so that nothing has to be loaded anew.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InstancePlan } from '../render/plan.ts';

export function refereeFile(dir: string, { name }: Pick<InstancePlan, 'name'>): string {
  return join(dir, `${name}.referee`);
}

/**
 * Moves the priority of an instance to `level`, or to its own (null). Replaces the file in one
 * step: keepalived never reads half a number. Throws what the file system says.
 */
export function raise(dir: string, instance: InstancePlan, level: number | null): void {
  const file = refereeFile(dir, instance);
  const text = `${level === null ? 0 : level - instance.priority}\n`;
  if (textOf(file) === text) return;
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.next`, text, { mode: 0o600 });
  renameSync(`${file}.next`, file);
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
