/**
 * Kubeconfig files, read without the Kubernetes client: importing that costs 70 MB of memory and
 * most of a second, which an agent on each node need not pay to read a token. What only it can do
 * (credential plugins, OIDC, proxies, several files merged) is left to it (credentials.ts).
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { StoreError } from '../lease-store.ts';

/** What of a kubeconfig is in force; files and values as they are given. */
export interface Cluster {
  readonly server: string;
  readonly caFile: string | null;
  readonly ca: Buffer | null;
  readonly insecure: boolean;
  readonly serverName: string | null;
  readonly namespace: string | null;
  /** Its name in the file. */
  readonly user: string | null;
  readonly token: string | null;
  readonly tokenFile: string | null;
  readonly certFile: string | null;
  readonly cert: Buffer | null;
  readonly keyFile: string | null;
  readonly key: Buffer | null;
  readonly basic: string | null;
  /** Something that only the Kubernetes client can do. */
  readonly needsClient: boolean;
}

const text = z.string().nullish();
const contextSchema = z.object({ cluster: text, user: text, namespace: text });
const clusterSchema = z.object({
  server: text,
  'certificate-authority': text,
  'certificate-authority-data': text,
  'insecure-skip-tls-verify': z.boolean().nullish(),
  'tls-server-name': text,
  'proxy-url': text,
});
const userSchema = z.object({
  token: text,
  tokenFile: text,
  'client-certificate': text,
  'client-certificate-data': text,
  'client-key': text,
  'client-key-data': text,
  username: text,
  password: text,
  exec: z.unknown().optional(),
  'auth-provider': z.unknown().optional(),
  as: text,
});
const name = z.string();
const configSchema = z.object({
  'current-context': text,
  contexts: z.array(z.object({ name, context: contextSchema })).nullish(),
  clusters: z.array(z.object({ name, cluster: clusterSchema })).nullish(),
  users: z.array(z.object({ name, user: userSchema })).nullish(),
});

function refuse(path: string, what: string, fix: string, cause?: unknown): never {
  throw new StoreError('invalid', `kubeconfig ${path}: ${what}`,
    cause === undefined ? { fix } : { fix, cause });
}

function choose<E extends { readonly name: string }>(
  path: string, what: string, list: readonly E[] | null | undefined,
  wanted: string | null | undefined,
): E {
  const names = (list ?? []).map((entry) => entry.name).join(', ') || 'none is defined';
  if (!wanted) refuse(path, `no ${what} is chosen`, `set one of: ${names}`);
  const entry = list?.find((one) => one.name === wanted);
  return entry ?? refuse(path, `${what} ${JSON.stringify(wanted)} is not defined`, `use one of: ${names}`);
}

function readYaml(path: string): unknown {
  let source: string;
  try {
    source = readFileSync(path, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return refuse(path, `cannot be read: ${why}`, 'name a readable file', error);
  }
  try {
    return parse(source);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return refuse(path, `is not YAML: ${why}`, 'correct it', error);
  }
}

/** Throws StoreError('invalid'), naming the file, what is wrong in it and what would do. */
export function readKubeconfig(path: string, context: string | undefined): Cluster {
  const parsed = configSchema.safeParse(readYaml(path));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    refuse(path, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not a kubeconfig'}`, 'correct it');
  }
  const config = parsed.data;
  const wanted = context ?? config['current-context'];
  const { context: chosen } = choose(path, 'context', config.contexts, wanted);
  const { cluster } = choose(path, 'cluster', config.clusters, chosen.cluster);
  const user: Partial<z.infer<typeof userSchema>> = chosen.user
    ? choose(path, 'user', config.users, chosen.user).user : {};
  const file = (given: string | null | undefined): string | null =>
    given ? resolve(dirname(path), given) : null;
  const data = (given: string | null | undefined): Buffer | null =>
    given ? Buffer.from(given, 'base64') : null;
  const { server } = cluster;
  if (!server || !/^https?:\/\/[^/]/.test(server)) {
    refuse(path, `the cluster's server is ${JSON.stringify(server ?? null)}`, 'set it to https://HOST:PORT');
  }
  const { username, password } = user;
  return {
    server,
    caFile: file(cluster['certificate-authority']),
    ca: data(cluster['certificate-authority-data']),
    insecure: cluster['insecure-skip-tls-verify'] === true,
    serverName: cluster['tls-server-name'] ?? null,
    namespace: chosen.namespace ?? null,
    user: chosen.user ?? null,
    token: user.token ?? null,
    tokenFile: file(user.tokenFile),
    certFile: file(user['client-certificate']),
    cert: data(user['client-certificate-data']),
    keyFile: file(user['client-key']),
    key: data(user['client-key-data']),
    basic: username ? Buffer.from(`${username}:${password ?? ''}`).toString('base64') : null,
    needsClient: [user.exec, user['auth-provider'], user.as, cluster['proxy-url']]
      .some((value) => value !== undefined && value !== null && value !== ''),
  };
}
