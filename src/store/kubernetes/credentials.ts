/**
 * Where the API server is and how to show who we are, from a service account, a kubeconfig, or
 * through the Kubernetes client where only that can tell. Tokens and certificates are replaced
 * while agents run (kubelet renews a pod's token at 80 % of its life): so all of it is read anew
 * now and then, and at once when the server refuses it.
 */
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { Agent } from 'node:http';
import type { RequestOptions } from 'node:https';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { StoreError } from '../lease-store.ts';
import { readKubeconfig } from './kubeconfig.ts';
import type { Cluster } from './kubeconfig.ts';
import type { KubernetesOptions } from './options.ts';

export interface Tls {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

/** All that a connection needs. */
export interface Access {
  /** Without a slash at its end. */
  readonly server: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: Tls;
  /** A proxy's, made by the Kubernetes client; null: connect directly. */
  readonly agent: Agent | null;
  readonly namespace: string | null;
  /** Where the credentials come from, for people: `user "x" of kubeconfig /path`. */
  readonly origin: string;
}

/** What is read is used for so long before it is read again. */
const freshMs = 30_000;

const serviceAccount = '/var/run/secrets/kubernetes.io/serviceaccount';

/** `anew`: the server refused what was read last, so that nothing remembered will do. */
export type Source = (anew: boolean) => Promise<Access>;

export class Credentials {
  readonly #read: Source;
  #access: Access;
  #readAt: number;
  #reading: Promise<Access> | null = null;

  private constructor(read: Source, access: Access) {
    this.#read = read;
    this.#access = access;
    this.#readAt = performance.now();
  }

  /** Throws StoreError('invalid') for what could never be used. */
  static async load(options: KubernetesOptions, env = process.env): Promise<Credentials> {
    return Credentials.from(chooseSource(options, env));
  }

  static async from(source: Source): Promise<Credentials> {
    return new Credentials(source, await source(false));
  }

  /** What was last read well, at once; what is old is read anew behind it. */
  get current(): Access {
    if (performance.now() - this.#readAt >= freshMs) void this.#refresh(false);
    return this.#access;
  }

  /** The server refused `refused`: whether there is something else to show. */
  async renew(refused: Access): Promise<boolean> {
    const access = this.#access === refused ? await this.#refresh(true) : this.#access;
    return JSON.stringify(access.headers) !== JSON.stringify(refused.headers)
      || !sameTls(access.tls, refused.tls);
  }

  async #refresh(anew: boolean): Promise<Access> {
    this.#reading ??= this.#readNow(anew).finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async #readNow(anew: boolean): Promise<Access> {
    try {
      this.#access = await this.#read(anew);
    } catch {
      // A file that is just being replaced, a plugin that fails: the last good answer stays.
    }
    this.#readAt = performance.now();
    return this.#access;
  }
}

export function sameTls(a: Tls, b: Tls): boolean {
  const text = (tls: Tls): string => JSON.stringify({
    ...tls, ca: tls.ca?.toString(), cert: tls.cert?.toString(), key: tls.key?.toString(),
  });
  return text(a) === text(b);
}

function chooseSource(options: KubernetesOptions, env: NodeJS.ProcessEnv): Source {
  const { kubeconfig, context } = options;
  if (kubeconfig !== undefined) return fromFile(kubeconfig, context);
  const listed = (env.KUBECONFIG ?? '').split(delimiter).filter((path) => path !== '');
  if (listed[0] !== undefined && listed.length === 1) return fromFile(listed[0], context);
  if (listed.length > 1) return fromClient(null, context);
  const inCluster = env.KUBERNETES_SERVICE_HOST !== undefined
    && existsSync(join(serviceAccount, 'token'));
  if (inCluster && context === undefined) return fromServiceAccount(serviceAccount, env);
  const usual = join(env.HOME ?? homedir(), '.kube', 'config');
  if (existsSync(usual)) return fromFile(usual, context);
  throw new StoreError('invalid', 'no way to the Kubernetes API is known', {
    fix: 'name a kubeconfig (--kubeconfig, store.kubernetes.kubeconfig or KUBECONFIG), or run in a pod with a service account',
  });
}

function readFile(what: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StoreError('invalid', `${what} ${path} cannot be read: ${why}`, {
      cause: error, fix: 'name a readable file',
    });
  }
}

/** The credentials in words, with what is plain to see of them. */
export function shownBy({ origin, headers, tls }: Access): string {
  const { authorization } = headers;
  if (authorization === undefined && tls.cert === undefined) {
    return `a request without credentials (${origin} has none)`;
  }
  const [scheme = '', text = ''] = (authorization ?? '').split(' ');
  const what = authorization === undefined ? 'the client certificate'
    : scheme === 'Bearer' ? 'the token' : 'the password';
  const expiry = authorization === undefined ? certificateExpiry(tls) : tokenExpiry(text);
  const expired = expiry !== null && expiry < Date.now()
    ? `, which expired at ${new Date(expiry).toISOString().replace('.000Z', 'Z')}` : '';
  return `${what} of ${origin}${expired}`;
}

/** When a JSON Web Token says that it ends (RFC 7519, `exp`), wall-clock ms; null: it does not. */
function tokenExpiry(token: string): number | null {
  const [, payload] = token.split('.');
  if (payload === undefined) return null;
  try {
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { exp?: unknown };
    return typeof claims.exp === 'number' ? claims.exp * 1000 : null;
  } catch {
    return null;
  }
}

function certificateExpiry({ cert }: Tls): number | null {
  try {
    return cert === undefined ? null : Date.parse(new X509Certificate(cert).validTo);
  } catch {
    return null;
  }
}

function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token.trim()}` };
}

/** `directory` and the environment are what kubelet provides in a pod. */
export function fromServiceAccount(directory: string, env: NodeJS.ProcessEnv): Source {
  const host = env.KUBERNETES_SERVICE_HOST ?? '';
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${env.KUBERNETES_SERVICE_PORT ?? '443'}`;
  return async () => Promise.resolve({
    server,
    headers: bearer(readFile('service account token', join(directory, 'token')).toString()),
    tls: { ca: readFile('service account ca', join(directory, 'ca.crt')) },
    agent: null,
    namespace: existsSync(join(directory, 'namespace'))
      ? readFileSync(join(directory, 'namespace'), 'utf8').trim() : null,
    origin: `the service account in ${directory}`,
  });
}

function fromFile(path: string, context: string | undefined): Source {
  if (readKubeconfig(path, context).needsClient) return fromClient(path, context);
  return async () => Promise.resolve(accessOf(path, readKubeconfig(path, context)));
}

function accessOf(path: string, cluster: Cluster): Access {
  const given = (what: string, data: Buffer | null, path: string | null): Buffer | null =>
    path === null ? data : readFile(what, path);
  const ca = given('certificate-authority', cluster.ca, cluster.caFile);
  const cert = given('client-certificate', cluster.cert, cluster.certFile);
  const key = given('client-key', cluster.key, cluster.keyFile);
  const token = cluster.tokenFile === null
    ? cluster.token : readFile('tokenFile', cluster.tokenFile).toString();
  return {
    server: cluster.server.replace(/\/+$/, ''),
    headers: {
      ...cluster.basic === null ? {} : { authorization: `Basic ${cluster.basic}` },
      ...token === null || token === '' ? {} : bearer(token),
    },
    tls: {
      ...ca === null ? {} : { ca },
      ...cert === null ? {} : { cert },
      ...key === null ? {} : { key },
      ...cluster.serverName === null ? {} : { servername: cluster.serverName },
      ...cluster.insecure ? { rejectUnauthorized: false } : {},
    },
    agent: null,
    namespace: cluster.namespace,
    origin: `user ${JSON.stringify(cluster.user ?? '')} of kubeconfig ${path}`,
  };
}

/** The Kubernetes client is loaded here alone. It remembers tokens, also refused ones. */
function fromClient(path: string | null, context: string | undefined): Source {
  let config: KubeConfig | null = null;
  return async (anew) => {
    const file = path ?? process.env.KUBECONFIG ?? '';
    try {
      if (config === null || anew) config = await loadClient(path, context);
      return await accessOfClient(config, file);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new StoreError('invalid', `kubeconfig ${file}: ${why}`, {
        cause: error, fix: 'correct it, or the credential plugin that it names',
      });
    }
  };
}

async function loadClient(path: string | null, context: string | undefined): Promise<KubeConfig> {
  const client = await import('@kubernetes/client-node');
  const config = new client.KubeConfig();
  if (path === null) config.loadFromDefault();
  else config.loadFromFile(path);
  if (context !== undefined) config.setCurrentContext(context);
  return config;
}

async function accessOfClient(config: KubeConfig, file: string): Promise<Access> {
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error('its current context names no cluster');
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const { auth, servername, rejectUnauthorized } = options;
  const basic = typeof auth === 'string' ? Buffer.from(auth).toString('base64') : null;
  const given = Object.entries(options.headers ?? {})
    .map(([name, value]) => [name.toLowerCase(), String(value)] as const);
  return {
    server: cluster.server.replace(/\/+$/, ''),
    headers: {
      ...basic === null ? {} : { authorization: `Basic ${basic}` }, ...Object.fromEntries(given),
    },
    tls: {
      ...asBuffer('ca', options.ca),
      ...asBuffer('cert', options.cert),
      ...asBuffer('key', options.key),
      ...servername === undefined ? {} : { servername },
      ...rejectUnauthorized === undefined ? {} : { rejectUnauthorized },
    },
    agent: cluster.proxyUrl === undefined ? null : options.agent as Agent,
    namespace: config.getContextObject(config.getCurrentContext())?.namespace ?? null,
    origin: `user ${JSON.stringify(config.getCurrentUser()?.name ?? '')} of kubeconfig ${file}`,
  };
}

function asBuffer(name: string, value: unknown): Record<string, Buffer> {
  if (Buffer.isBuffer(value)) return { [name]: value };
  return typeof value === 'string' ? { [name]: Buffer.from(value) } : {};
}
