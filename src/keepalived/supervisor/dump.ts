/**
 * keepalived's dump of its state as JSON, which a signal asks for. The file is not written at once
 * (up to 2.4.3), so it is read until it is whole.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Notice } from './notify.ts';
import type { VrrpState } from './types.ts';

/** keepalived/include/vrrp.h, VRRP_STATE_*. */
const states: readonly VrrpState[] = ['INIT', 'BACKUP', 'MASTER', 'FAULT'];

/** Where it goes, from 2.3.3 on by configuration, before that by TMPDIR. */
export function dumpFile(dir: string): string {
  return join(dir, 'keepalived.json');
}

/** Null if the text is not whole, or no dump. */
export function parseDump(text: string): readonly Notice[] | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null;
  }
  // A list up to version 1 of the form; from version 2 on an object that holds it.
  const list: unknown = isRecord(parsed) ? parsed.vrrp : parsed;
  if (!Array.isArray(list)) return null;
  return list.flatMap((entry: unknown) => {
    const data = isRecord(entry) ? entry.data : undefined;
    if (!isRecord(data) || typeof data.iname !== 'string') return [];
    const state = typeof data.state === 'number' ? states[data.state] : undefined;
    return state ? [{ instance: data.iname, state }] : [];
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function removeDump(dir: string): void {
  rmSync(dumpFile(dir), { force: true });
}

/** Waits for the dump that was asked for after `removeDump`; null if none comes in time. */
export async function readDump(
  dir: string, timeoutMs: number, signal: AbortSignal,
): Promise<readonly Notice[] | null> {
  const until = performance.now() + timeoutMs;
  while (performance.now() < until && !signal.aborted) {
    await sleep(20, undefined, { signal }).catch(() => undefined);
    try {
      const notices = parseDump(readFileSync(dumpFile(dir), 'utf8'));
      if (notices) return notices;
    } catch {
      // Not there yet.
    }
  }
  return null;
}
