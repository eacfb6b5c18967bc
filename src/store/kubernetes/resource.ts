/**
 * One kind of object in the Kubernetes API: the six verbs, with the answers that callers act on as
 * values and all others as StoreError.
 */
import { z } from 'zod';
import { StoreError } from '../lease-store.ts';
import { errorFromStatus } from './errors.ts';
import type { Action, Status, Verb } from './errors.ts';
import type { Answer, HttpClient, Request } from './http.ts';
import { readRevision } from './lease-object.ts';

export interface Kind {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  /** Null: of the cluster. */
  readonly namespace: string | null;
}

export function leasesIn(namespace: string): Kind {
  return {
    group: 'coordination.k8s.io', version: 'v1', plural: 'leases', kind: 'Lease', namespace,
  };
}

export const eips: Kind = {
  group: 'network.kubesphere.io', version: 'v1alpha2', plural: 'eips', kind: 'Eip', namespace: null,
};

export interface WriteOptions {
  /** Checked by the server as if it were written, but not written. */
  readonly dryRun?: boolean;
  /** Fields that the kind does not have are refused. */
  readonly strict?: boolean;
}

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: unknown;
}

/** Why a watch ended, other than by an error: its connection did, or its revision is forgotten. */
export type WatchEnd = 'closed' | 'compacted';

const pageSize = 500;

const statusSchema = z.object({
  code: z.number().optional(),
  reason: z.string().optional(),
  message: z.string().optional(),
  details: z.object({
    kind: z.string().optional(),
    name: z.string().optional(),
    causes: z.array(z.object({ reason: z.string().optional() })).optional(),
  }).optional(),
});

const listSchema = z.object({
  metadata: z.object({ resourceVersion: z.string(), continue: z.string().optional() }),
  items: z.array(z.unknown()).nullable(),
});

const eventSchema = z.object({
  type: z.enum(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']),
  object: z.unknown(),
});

export class Resource {
  readonly #http: HttpClient;
  readonly #kind: Kind;

  constructor(http: HttpClient, kind: Kind) {
    this.#http = http;
    this.#kind = kind;
  }

  /** The object, or null if there is none. */
  async get(name: string, signal: AbortSignal): Promise<unknown> {
    const answer = await this.#send('get', 'GET', name, {}, undefined, signal);
    if (answer.status === 404 && !noSuchKind(answer)) return null;
    return this.#expect('get', name, answer);
  }

  async create(
    name: string, object: unknown, signal: AbortSignal, options: WriteOptions = {},
  ): Promise<{ readonly object: unknown } | 'exists'> {
    const answer = await this.#send('create', 'POST', null, options, object, signal);
    if (answer.status === 409) return 'exists';
    return { object: this.#expect('create', name, answer) };
  }

  /** `object` says which resourceVersion it is to replace. */
  async replace(
    name: string, object: unknown, signal: AbortSignal, options: WriteOptions = {},
  ): Promise<{ readonly object: unknown } | 'conflict' | 'missing'> {
    const answer = await this.#send('update', 'PUT', name, options, object, signal);
    return this.#changed('update', name, answer);
  }

  /** By a JSON Patch that sets the resourceVersion that it is meant for. */
  async patch(
    name: string, patch: unknown, signal: AbortSignal,
  ): Promise<{ readonly object: unknown } | 'conflict' | 'missing'> {
    return this.#changed('patch', name, await this.#send('patch', 'PATCH', name, {}, patch, signal));
  }

  /** With `revision`: only if it is still that one. */
  async delete(
    name: string, revision: number | null, signal: AbortSignal,
  ): Promise<'deleted' | 'conflict' | 'missing'> {
    const body = revision === null ? undefined : {
      apiVersion: 'v1', kind: 'DeleteOptions',
      preconditions: { resourceVersion: String(revision) },
    };
    const answer = await this.#send('delete', 'DELETE', name, {}, body, signal);
    if (answer.status === 409) return 'conflict';
    if (answer.status === 404 && !noSuchKind(answer)) return 'missing';
    this.#expect('delete', name, answer);
    return 'deleted';
  }

  /** All objects, as they were at `revision`; page by page. */
  async list(signal: AbortSignal): Promise<{ items: unknown[]; revision: number }> {
    let items: unknown[] = [];
    let next: string | undefined;
    for (;;) {
      const query = `?limit=${pageSize}${next === undefined ? '' : `&continue=${encodeURIComponent(next)}`}`;
      const answer = await this.#http.request({
        action: this.#action('list', null), method: 'GET', path: `${this.#path(null)}${query}`,
      }, signal);
      if (answer.status === 410 && next !== undefined) {
        // The pages that are left are forgotten: begin again.
        items = [];
        next = undefined;
        continue;
      }
      const page = listSchema.safeParse(this.#expect('list', null, answer));
      if (!page.success) throw new StoreError('schema', 'the API server sent a list that is none');
      items = items.concat(page.data.items ?? []);
      next = page.data.metadata.continue;
      if (next === undefined || next === '') {
        return { items, revision: readRevision(page.data.metadata.resourceVersion) };
      }
    }
  }

  /** Every change after `revision`, several at a time where they come so, until it ends. */
  async watch(
    revision: number, seconds: number, onOpen: () => void,
    onEvents: (events: readonly WatchEvent[]) => void, signal: AbortSignal,
  ): Promise<WatchEnd> {
    const query = `?watch=true&allowWatchBookmarks=true&timeoutSeconds=${seconds}`
      + `&resourceVersion=${revision}`;
    const request: Request = {
      action: this.#action('watch', null), method: 'GET', path: `${this.#path(null)}${query}`,
    };
    const failures: Status[] = [];
    const answer = await this.#http.stream(request, onOpen, (lines) => {
      const events = lines.map(readEvent);
      const told = events.findIndex(({ type }) => type === 'ERROR');
      const good = told < 0 ? events : events.slice(0, told);
      if (good.length > 0) onEvents(good as WatchEvent[]);
      if (told < 0) return 'more';
      failures.push(readStatus(events[told]?.object));
      return 'enough';
    }, signal);
    if (answer?.status === 410) return 'compacted';
    if (answer !== null) this.#expect('watch', null, answer);
    const failure = failures[0];
    if (failure === undefined) return 'closed';
    if (failure.code === 410) return 'compacted';
    throw errorFromStatus(this.#action('watch', null), failure.code ?? 500, failure);
  }

  #changed(
    verb: Verb, name: string, answer: Answer,
  ): { readonly object: unknown } | 'conflict' | 'missing' {
    if (answer.status === 409) return 'conflict';
    if (answer.status === 404 && !noSuchKind(answer)) return 'missing';
    return { object: this.#expect(verb, name, answer) };
  }

  #action(verb: Verb, name: string | null): Action {
    const { group, plural, namespace } = this.#kind;
    return { verb, resource: `${plural}.${group}`, namespace, name };
  }

  #path(name: string | null): string {
    const { group, version, plural, namespace } = this.#kind;
    const base = `/apis/${group}/${version}/${namespace === null ? '' : `namespaces/${namespace}/`}${plural}`;
    return name === null ? base : `${base}/${encodeURIComponent(name)}`;
  }

  async #send(
    verb: Verb, method: Request['method'], name: string | null, options: WriteOptions,
    body: unknown, signal: AbortSignal,
  ): Promise<Answer> {
    const query = [
      ...options.dryRun === true ? ['dryRun=All'] : [],
      ...options.strict === true ? ['fieldValidation=Strict'] : [],
    ].join('&');
    return this.#http.request({
      action: this.#action(verb, name),
      method,
      path: `${this.#path(name)}${query === '' ? '' : `?${query}`}`,
      ...body === undefined ? {} : { body },
    }, signal);
  }

  #expect(verb: Verb, name: string | null, answer: Answer): unknown {
    if (answer.status >= 200 && answer.status < 300) return answer.body;
    const { status, body, shown } = answer;
    throw errorFromStatus(this.#action(verb, name), status, readStatus(body), shown);
  }
}

function readStatus(body: unknown): Status {
  const status = statusSchema.safeParse(body);
  return status.success ? status.data : {};
}

/** 404 because the kind itself is unknown: without the name of an object. */
function noSuchKind(answer: Answer): boolean {
  return readStatus(answer.body).details?.name === undefined;
}

function readEvent(line: string): z.infer<typeof eventSchema> {
  try {
    return eventSchema.parse(JSON.parse(line));
  } catch (error) {
    throw new StoreError('unavailable', 'the API server sent a watch event that cannot be read', {
      cause: error,
    });
  }
}
