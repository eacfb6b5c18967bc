/**
 * Eip documents: the cluster's `eips.network.kubesphere.io` objects, as manifests. What the API
 * server adds to an object is left out, so that a manifest that was applied comes back with the
 * same meaning; its layout and comments are not kept, as Kubernetes does not keep them.
 */
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { StoreError } from '../lease-store.ts';
import type { StoredDocument } from '../lease-store.ts';
import { readRevision } from './lease-object.ts';
import type { Resource } from './resource.ts';

const eipSchema = z.object({
  apiVersion: z.string(),
  kind: z.literal('Eip'),
  metadata: z.object({
    name: z.string(),
    resourceVersion: z.string().optional(),
    labels: z.record(z.string(), z.string()).optional(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
  spec: z.record(z.string(), z.unknown()).optional(),
});

/** What kubectl leaves on an object for itself. */
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

export function readDocument(json: unknown): StoredDocument {
  const parsed = eipSchema.safeParse(json);
  if (!parsed.success) {
    const where = parsed.error.issues[0]?.path.join('.') ?? '';
    throw new StoreError('schema', `the API server sent an Eip whose ${where} cannot be read`);
  }
  const { apiVersion, kind, metadata, spec } = parsed.data;
  const { name, labels } = metadata;
  const { [lastApplied]: _, ...annotations } = metadata.annotations ?? {};
  const text = stringify({
    apiVersion,
    kind,
    metadata: {
      name,
      ...labels === undefined ? {} : { labels },
      ...Object.keys(annotations).length === 0 ? {} : { annotations },
    },
    ...spec === undefined ? {} : { spec },
  });
  return { name, text, revision: readRevision(metadata.resourceVersion ?? '') };
}

/** Throws StoreError('invalid') for what is no manifest of an Eip of that name. */
function readManifest({ name, text }: StoredDocument): z.infer<typeof eipSchema> {
  let yaml: unknown;
  try {
    yaml = parse(text);
  } catch (error) {
    throw new StoreError('invalid', `Eip ${name}: its manifest is not YAML`, { cause: error });
  }
  const parsed = eipSchema.safeParse(yaml);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new StoreError(
      'invalid', `Eip ${name}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
      { fix: 'write a manifest with apiVersion, kind: Eip, metadata.name and spec' },
    );
  }
  if (parsed.data.metadata.name !== name) {
    throw new StoreError('invalid', `Eip ${name}: its manifest is of ${parsed.data.metadata.name}`);
  }
  return parsed.data;
}

type Manifest = z.infer<typeof eipSchema>;

export class Documents {
  readonly #eips: Resource;

  constructor(eips: Resource) {
    this.#eips = eips;
  }

  async list(signal: AbortSignal): Promise<readonly StoredDocument[]> {
    return (await this.#eips.list(signal)).items.map(readDocument);
  }

  /**
   * All or nothing, as far as an API without transactions goes: the server first checks all of
   * them without writing any, and what was written before one then failed all the same is put back.
   */
  async put(documents: readonly StoredDocument[], signal: AbortSignal): Promise<boolean> {
    const manifests = documents.map((document) => ({ document, manifest: readManifest(document) }));
    for (const { document, manifest } of manifests) {
      if (await this.#write(document, manifest, true, signal) === null) return false;
    }
    const undo: (() => Promise<unknown>)[] = [];
    try {
      for (const { document, manifest } of manifests) {
        const before = documents.length > 1 && document.revision > 0
          ? await this.#eips.get(document.name, signal) : null;
        const revision = await this.#write(document, manifest, false, signal);
        if (revision === null) {
          await putBack(undo);
          return false;
        }
        undo.push(async () => this.#restore(document.name, before, revision, signal));
      }
      return true;
    } catch (error) {
      await putBack(undo);
      throw error;
    }
  }

  /** As a patch, so that what others keep on the object stays: owners, kubectl's annotation. */
  async annotate(
    { name, revision }: StoredDocument, key: string, value: string, signal: AbortSignal,
  ): Promise<boolean> {
    const json = await this.#eips.get(name, signal);
    if (json === null || readDocument(json).revision !== revision) return false;
    const { annotations } = eipSchema.parse(json).metadata;
    const at = '/metadata/annotations';
    // RFC 6901: a slash in a name is written ~1.
    const path = `${at}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    const made = await this.#eips.patch(name, [
      { op: 'replace', path: '/metadata/resourceVersion', value: String(revision) },
      ...annotations === undefined ? [{ op: 'add', path: at, value: {} }] : [],
      { op: 'add', path, value },
    ], signal);
    return typeof made !== 'string';
  }

  async delete(name: string, signal: AbortSignal): Promise<boolean> {
    return await this.#eips.delete(name, null, signal) === 'deleted';
  }

  /** The new revision, or null if `document.revision` is not what is there. */
  async #write(
    document: StoredDocument, manifest: Manifest, dryRun: boolean, signal: AbortSignal,
  ): Promise<number | null> {
    const { name, revision } = document;
    const { resourceVersion: _, ...metadata } = manifest.metadata;
    const options = { dryRun, strict: true };
    const made = revision === 0
      ? await this.#eips.create(name, { ...manifest, metadata }, signal, options)
      : await this.#eips.replace(name, {
        ...manifest, metadata: { ...metadata, resourceVersion: String(revision) },
      }, signal, options);
    if (typeof made === 'string') return null;
    // What was only checked has no revision yet.
    return dryRun ? revision : readDocument(made.object).revision;
  }

  async #restore(
    name: string, before: unknown, revision: number, signal: AbortSignal,
  ): Promise<unknown> {
    if (before === null) return this.#eips.delete(name, revision, signal);
    const { metadata } = before as { metadata: object };
    return this.#eips.replace(name, {
      ...before as object, metadata: { ...metadata, resourceVersion: String(revision) },
    }, signal);
  }
}

async function putBack(undo: readonly (() => Promise<unknown>)[]): Promise<void> {
  for (const step of undo.toReversed()) {
    try {
      await step();
    } catch (error) {
      // The first failure is what is told; this one leaves a document that was asked for.
      if (!(error instanceof StoreError)) throw error;
    }
  }
}
