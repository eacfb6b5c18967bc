/**
 * The Lease object of coordination.k8s.io/v1, as far as Tenure uses it, and the seal by which it
 * knows its own writing from somebody else's.
 *
 * The seal is a checksum, in an annotation, of everything in the object that Tenure means
 * something by, except `renewTime`, which nothing is decided by. It keeps nobody out: it finds out
 * that a person or another program has changed the object by hand, so that it can be put right
 * before anyone acts on it. How it is made may not depend on the schema's version.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { StoreError } from '../lease-store.ts';

export const annotationPrefix = 'tenure.io/';
export const schemaVersion = '1';

const schemaKey = `${annotationPrefix}schema`;
const sealKey = `${annotationPrefix}seal`;

export interface LeaseSpec {
  readonly holderIdentity?: string | undefined;
  readonly leaseDurationSeconds?: number | undefined;
  readonly leaseTransitions?: number | undefined;
  /** RFC 3339 with microseconds, as metav1.MicroTime has it. */
  readonly acquireTime?: string | undefined;
  readonly renewTime?: string | undefined;
}

/** What is written. */
export interface LeaseBody {
  readonly name: string;
  readonly kind: 'node' | 'eip' | 'drain' | 'move';
  /** Without the prefix. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: LeaseSpec;
}

/** What is read. */
export interface LeaseObject {
  readonly name: string;
  readonly revision: number;
  /** Tenure's own, without the prefix. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: LeaseSpec;
  /** Whether it is as Tenure wrote it. */
  readonly sealed: boolean;
}

const text = z.string().optional();
const objectSchema = z.object({
  metadata: z.object({
    name: z.string(),
    resourceVersion: z.string(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
  spec: z.object({
    holderIdentity: text,
    leaseDurationSeconds: z.number().optional(),
    leaseTransitions: z.number().optional(),
    acquireTime: text,
    renewTime: text,
  }).optional(),
});

/** Milliseconds since 1970, or null for what is not a time. */
export function readTime(time: string | undefined): number | null {
  const ms = time === undefined ? Number.NaN : Date.parse(time);
  return Number.isNaN(ms) ? null : ms;
}

export function writeTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}

function seal(annotations: Readonly<Record<string, string>>, spec: LeaseSpec): string {
  const said = Object.entries(annotations).filter(([key]) => key !== 'seal').sort();
  const { holderIdentity, leaseDurationSeconds, leaseTransitions } = spec;
  const acquired = readTime(spec.acquireTime);
  const all = [
    said, holderIdentity ?? null, leaseDurationSeconds ?? null, leaseTransitions ?? null, acquired,
  ];
  return createHash('sha256').update(JSON.stringify(all)).digest('hex').slice(0, 16);
}

function metadataOf(body: LeaseBody): { labels: object; annotations: object } {
  const said = { ...body.annotations, schema: schemaVersion };
  const annotations = Object.entries({ ...said, seal: seal(said, body.spec) })
    .map(([key, value]) => [`${annotationPrefix}${key}`, value] as const);
  return {
    labels: { 'app.kubernetes.io/managed-by': 'tenure', [`${annotationPrefix}kind`]: body.kind },
    annotations: Object.fromEntries(annotations),
  };
}

/** The JSON of an object that is to be created. */
export function writeObject(body: LeaseBody, namespace: string): unknown {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: body.name, namespace, ...metadataOf(body) },
    spec: body.spec,
  };
}

/**
 * The JSON Patch (RFC 6902) that makes an object what `body` says if its resourceVersion is still
 * `revision`. Not a PUT: of a Lease that is not there, a PUT makes one, whatever resourceVersion it
 * names (the API server's AllowCreateOnUpdate), so that it would be no compare-and-swap.
 */
export function writePatch(body: LeaseBody, revision: number): unknown {
  const { labels, annotations } = metadataOf(body);
  const values = {
    '/metadata/resourceVersion': String(revision),
    '/metadata/labels': labels,
    '/metadata/annotations': annotations,
    '/spec': body.spec,
  };
  // "add" also replaces what is there.
  return Object.entries(values).map(([path, value]) => ({ op: 'add', path, value }));
}

/**
 * The API promises to compare resourceVersions as numbers since 1.35, and has always given them
 * out so. Throws StoreError('schema') for any other.
 */
export function readRevision(resourceVersion: string): number {
  const revision = Number(resourceVersion);
  if (/^\d+$/.test(resourceVersion) && Number.isSafeInteger(revision)) return revision;
  throw new StoreError('schema', `resourceVersion ${JSON.stringify(resourceVersion)} is no number`, {
    fix: 'use an API server that numbers its versions, as Kubernetes does',
  });
}

/** Throws StoreError('schema') for what is not a Lease object at all. */
export function readObject(json: unknown): LeaseObject {
  const parsed = objectSchema.safeParse(json);
  if (!parsed.success) {
    const where = parsed.error.issues[0]?.path.join('.') ?? '';
    throw new StoreError('schema', `the API server sent a Lease whose ${where} cannot be read`);
  }
  const { metadata, spec = {} } = parsed.data;
  const ours = Object.entries(metadata.annotations ?? {})
    .filter(([key]) => key.startsWith(annotationPrefix))
    .map(([key, value]) => [key.slice(annotationPrefix.length), value]);
  const annotations = Object.fromEntries(ours) as Record<string, string>;
  return {
    name: metadata.name,
    revision: readRevision(metadata.resourceVersion),
    annotations,
    spec,
    sealed: annotations.seal === seal(annotations, spec),
  };
}

/** Refuses what a version of Tenure wrote that this one does not know. */
export function checkSchema(object: LeaseObject): void {
  const version = object.annotations.schema ?? '';
  if (!object.sealed || version === schemaVersion) return;
  throw new StoreError(
    'schema', `lease ${object.name}: ${schemaKey} is ${JSON.stringify(version)}, not ${schemaVersion}`,
    { fix: 'update this agent: a later version of Tenure wrote that lease' },
  );
}

/** For a person who looks for the annotation. */
export const sealAnnotation = sealKey;
