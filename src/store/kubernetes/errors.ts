/** What the network and the API server say when they fail, in our words. */
import { StoreError } from '../lease-store.ts';
import type { StoreErrorCode, StoreFault } from '../lease-store.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete';

/** What was being done, in the terms that a role has. */
export interface Action {
  readonly verb: Verb;
  /** `leases.coordination.k8s.io`. */
  readonly resource: string;
  /** Null: the resource is of the cluster, not of a namespace. */
  readonly namespace: string | null;
  readonly name: string | null;
}

/** metav1.Status, as far as it is needed. */
export interface Status {
  readonly code?: number | undefined;
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  readonly details?: {
    readonly kind?: string | undefined;
    readonly name?: string | undefined;
    readonly causes?: readonly { readonly reason?: string | undefined }[] | undefined;
  } | undefined;
}

function place({ namespace }: Action): string {
  return namespace === null ? 'in the cluster' : `in namespace ${namespace}`;
}

function described(action: Action): string {
  const name = action.name === null ? '' : ` ${action.name}`;
  return `${action.verb} ${action.resource}${name} ${place(action)}`;
}

export class ApiError extends StoreError {
  /** HTTP status, or null if no answer came. */
  readonly status: number | null;
  constructor(
    code: StoreErrorCode, message: string,
    options: { fix?: string | undefined; status?: number; cause?: unknown } = {},
  ) {
    const { fix, cause } = options;
    super(code, message, {
      ...fix === undefined ? {} : { fix }, ...cause === undefined ? {} : { cause },
    });
    this.status = options.status ?? null;
  }
}

interface Meaning {
  readonly code: StoreErrorCode;
  readonly what: string;
  readonly fix?: string;
}

function forbidden(action: Action, status: Status): Meaning {
  const causes = status.details?.causes ?? [];
  if (causes.some(({ reason }) => reason === 'NamespaceTerminating')) {
    return {
      code: 'unavailable',
      what: `namespace ${action.namespace ?? ''} is being deleted`,
      fix: 'wait until it is gone, then apply manifests/rbac',
    };
  }
  const { what, fix } = missingRight(action);
  return { code: 'denied', what: `not allowed: ${what}`, fix };
}

export function missingRight(action: Action): StoreFault {
  const kind = action.namespace === null ? 'ClusterRole' : `Role in namespace ${action.namespace}`;
  return {
    what: `the right to ${action.verb} ${action.resource} ${place(action)} is missing`,
    fix: `grant it by a ${kind} with verb "${action.verb}" on ${action.resource}, as manifests/rbac `
      + 'does; in a namespace that does not exist nobody has any right',
  };
}

export function missingNamespace(name: string): StoreFault {
  return {
    what: `namespace ${name} does not exist`,
    fix: `kubectl create namespace ${name}, or apply manifests/rbac, or name another with `
      + '--kube-namespace',
  };
}

function notFound(action: Action, status: Status): Meaning {
  if (status.details?.kind === 'namespaces') {
    const name = status.details.name ?? action.namespace ?? '';
    return { code: 'invalid', ...missingNamespace(name) };
  }
  return {
    code: 'invalid',
    what: `${action.resource} is not known to the API server`,
    fix: 'kubectl apply -f manifests/crd',
  };
}

function meaningOf(
  action: Action, httpStatus: number, status: Status, shown: string | undefined,
): Meaning {
  if (httpStatus === 401) {
    return {
      code: 'denied',
      what: `the API server does not accept ${shown ?? 'the credentials'}`,
      fix: 'give a token or client certificate that is valid still, and of this cluster',
    };
  }
  if (httpStatus === 403) return forbidden(action, status);
  if (httpStatus === 404) return notFound(action, status);
  if (httpStatus === 504) return { code: 'timeout', what: 'the API server gave up' };
  if (httpStatus >= 500 || httpStatus === 429 || httpStatus === 408 || httpStatus === 410) {
    return { code: 'unavailable', what: `the API server answered ${httpStatus}` };
  }
  return { code: 'invalid', what: `the API server refused it (${httpStatus})` };
}

/**
 * From an answer that is none of those that the caller had a use for. `shown`: what was shown as
 * credentials, and where that comes from.
 */
export function errorFromStatus(
  action: Action, httpStatus: number, status: Status, shown?: string,
): ApiError {
  const { code, what, fix } = meaningOf(action, httpStatus, status, shown);
  const said = status.message === undefined ? '' : `: ${status.message}`;
  return new ApiError(code, `${described(action)}: ${what}${said}`, { fix, status: httpStatus });
}

// Node's codes for a certificate that is not accepted (OpenSSL's X509_V_ERR_*, and its own).
const certificateCodes = /^(CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERR_TLS_CERT_|INVALID_CA|HOSTNAME_MISMATCH)/;

const unreachable = 'see whether the API server answers there (kubectl get --raw /readyz), and whether the '
  + 'kubeconfig names the right one';

/** From what Node's sockets throw. */
export function errorFromNetwork(action: Action, server: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const why = error instanceof Error ? error.message || code : String(error);
  const message = `${described(action)}: ${server}: ${why}`;
  if (certificateCodes.test(code)) {
    return new ApiError('denied', message, {
      cause: error,
      fix: 'set certificate-authority in the kubeconfig to the one that signed the API server\'s certificate',
    });
  }
  return new ApiError('unavailable', message, { cause: error, fix: unreachable });
}

export function timeoutError(action: Action, server: string): ApiError {
  return new ApiError('timeout', `${described(action)}: ${server} gave no answer in time`, {
    fix: unreachable,
  });
}
