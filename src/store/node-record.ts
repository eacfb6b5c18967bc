/** The node record as JSON, in whatever store. */
import { z } from 'zod';
import { vrrpStates } from '../core/model.ts';
import type { NodeRecord } from '../core/model.ts';

const timingSchema = z.object({
  verdict: z.enum(['tight', 'slow']), supportMs: z.number(), intervalMs: z.number(),
  perDay: z.number(), fitMs: z.number(), cause: z.enum(['host', 'network']),
});

export const nodeRecordSchema = z.object({
  boot: z.int().min(0),
  place: z.string(),
  // Said in other words by a later version, it is one that is not known.
  machine: z.object({ id: z.string().min(1), kernel: z.string().min(1) })
    .optional().catch(undefined),
  host: z.string(),
  version: z.string(),
  startedAt: z.number(),
  weight: z.number().min(0),
  labels: z.record(z.string(), z.string()),
  draining: z.boolean(),
  unable: z.record(z.string(), z.string()),
  findings: z.array(z.object({ code: z.string(), subject: z.string(), text: z.string() })),
  storeLatencyMs: z.number().nullable(),
  // Absent in what an agent wrote that knew of lease mode alone.
  heartbeat: z.array(z.string()).default([]),
  witness: z.boolean().default(false),
  // What a later version says in other words is left out: it is for people.
  timing: timingSchema.optional().catch(undefined),
  epoch: z.int().min(0).default(0),
  voters: z.array(z.object({ node: z.string().min(1), boot: z.int().min(1) })).default([]),
  vrrp: z.array(z.object({
    eip: z.string(), vrid: z.int(), interface: z.string(), family: z.literal([4, 6]),
    state: z.enum(vrrpStates), heard: z.string().nullable(),
  })).optional(),
});

/**
 * Stands for the record of a tenure that is live, as far as anyone can say, but whose record cannot
 * be read: it is given nothing, and no place is equal to its own.
 */
export const unknownRecord: NodeRecord = {
  boot: 0, place: '', host: '', version: '', startedAt: 0, weight: 0, labels: {},
  draining: true, unable: {}, findings: [], storeLatencyMs: null,
  heartbeat: [], witness: false, epoch: 0, voters: [],
};
