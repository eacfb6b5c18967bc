/** What an agent with these credentials could not do: asked of the API server, without doing it. */
import { z } from 'zod';
import type { StoreFault } from '../lease-store.ts';
import { StoreError } from '../lease-store.ts';
import { missingNamespace, missingRight } from './errors.ts';
import type { Verb } from './errors.ts';
import type { Answer, HttpClient } from './http.ts';
import type { Kind } from './resource.ts';

/** As in manifests/rbac. */
const verbsOnLeases: readonly Verb[] = ['get', 'list', 'watch', 'create', 'patch', 'delete'];
const verbsOnEips: readonly Verb[] = ['list', 'watch'];

const reviewSchema = z.object({ status: z.object({ allowed: z.boolean() }) });

export async function examine(
  http: HttpClient, leases: Kind, eips: Kind, signal: AbortSignal,
): Promise<readonly StoreFault[]> {
  const [namespace, ...rights] = await Promise.all([
    isNamespaceMissing(http, leases.namespace ?? '', signal),
    ...verbsOnLeases.map(async (verb) => faultOf(http, verb, leases, signal)),
    ...verbsOnEips.map(async (verb) => faultOf(http, verb, eips, signal)),
  ]);
  // In a namespace that does not exist nobody has a right: to say so of each verb would mislead.
  const missing = namespace ? [missingNamespace(leases.namespace ?? '')] : [];
  const faults = rights.filter((fault) => fault !== null)
    .filter(({ of }) => !namespace || of !== leases)
    .map(({ fault }) => fault);
  return [...missing, ...faults];
}

/** False where one is not allowed to know: agents need no right to look at namespaces. */
export async function isNamespaceMissing(
  http: HttpClient, namespace: string, signal: AbortSignal,
): Promise<boolean> {
  const { status } = await http.request({
    action: { verb: 'get', resource: 'namespaces', namespace: null, name: namespace },
    method: 'GET', path: `/api/v1/namespaces/${namespace}`,
  }, signal);
  return status === 404;
}

export async function refuseMissingNamespace(
  http: HttpClient, namespace: string, signal: AbortSignal,
): Promise<void> {
  if (!await isNamespaceMissing(http, namespace, signal)) return;
  const { what, fix } = missingNamespace(namespace);
  throw new StoreError('invalid', what, { fix });
}

/** Null: it may, or the API server does not tell. */
async function faultOf(
  http: HttpClient, verb: Verb, of: Kind, signal: AbortSignal,
): Promise<{ readonly of: Kind; readonly fault: StoreFault } | null> {
  const { group, plural, namespace } = of;
  const resource = `${plural}.${group}`;
  const answer: Answer = await http.request({
    action: {
      verb: 'create', resource: 'selfsubjectaccessreviews.authorization.k8s.io',
      namespace: null, name: null,
    },
    method: 'POST', path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    body: {
      apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview',
      spec: {
        resourceAttributes: {
          group, resource: plural, verb, ...namespace === null ? {} : { namespace },
        },
      },
    },
  }, signal);
  const review = reviewSchema.safeParse(answer.body);
  if (!review.success || review.data.status.allowed) return null;
  return { of, fault: missingRight({ verb, resource, namespace, name: null }) };
}
