/**
 * A real Kubernetes API server over a real etcd, with RBAC on, for tests: on free loopback ports,
 * or where the caller says (inside a namespace, say). Nothing else of Kubernetes runs: no kubelet,
 * no controllers.
 *
 *     await using server = await startApiServer();
 *     await server.apply('manifests/crd', 'manifests/rbac');
 *     const path = await server.kubeconfig('admin');
 *
 * Users are known by tokens: `admin` may do anything, and `NAMESPACE/NAME` is the service account
 * of that name, with the rights that roles give it and no others.
 */
import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { LabError, attempt, until } from './command.ts';
import type { CommandResult } from './command.ts';
import { findProgram, provideApiServer } from './apiserver-build.mjs';
import { askServer } from './apiserver-ask.mjs';
import type { AskedFor } from './apiserver-ask.mjs';
import { freePorts, startEtcd } from './etcd.ts';
import type { EtcdAddress, EtcdCluster } from './etcd.ts';
import { LabProcess } from './process.ts';

export interface ApiServerOptions {
  /** Goes before the commands, such as ['ip', 'netns', 'exec', NAME]. */
  readonly prefix?: readonly string[];
  /** Where it listens. Where it is given, the port is the caller's to keep free. */
  readonly listen?: { readonly host: string; readonly port: number };
  /** Its etcd, likewise; on loopback of the same namespace unless told. */
  readonly etcd?: EtcdAddress;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const askProgram = fileURLToPath(new URL('apiserver-ask.mjs', import.meta.url));
const startTimeoutMs = 60_000;
const running = new Set<ApiServer>();
process.once('exit', () => {
  for (const server of running) server.process?.killTree();
});

export function tokenOf(user: string): string {
  return `token-of-${user.replace('/', '-')}`;
}

export class ApiServer {
  readonly url: string;
  /** To trust, and with `keyFile` what the server itself shows. */
  readonly caFile: string;
  readonly keyFile: string;
  readonly dir: string;
  readonly etcd: EtcdCluster;
  process: LabProcess | null = null;
  readonly #prefix: readonly string[];
  readonly #command: readonly string[];
  readonly #env: NodeJS.ProcessEnv;
  readonly #users = new Map<string, string>();

  constructor(plan: {
    url: string; dir: string; etcd: EtcdCluster; prefix: readonly string[];
    command: readonly string[]; env: NodeJS.ProcessEnv;
  }) {
    this.url = plan.url;
    this.dir = plan.dir;
    this.caFile = join(plan.dir, 'apiserver.crt');
    this.keyFile = join(plan.dir, 'apiserver.key');
    this.etcd = plan.etcd;
    this.#prefix = plan.prefix;
    this.#command = plan.command;
    this.#env = plan.env;
  }

  async start(): Promise<void> {
    const [file = '', ...args] = [...this.#prefix, ...this.#command];
    this.process = new LabProcess({
      name: 'kube-apiserver', command: [file, ...args], env: this.#env, cwd: this.dir,
      logFile: join(this.dir, 'apiserver.log'),
    });
    running.add(this);
    await until('the API server is ready', async () => {
      this.process?.mustRun();
      return await this.#isReady() || null;
    }, startTimeoutMs, 100);
  }

  /** As a crash, or as an orderly stop. */
  async halt(how: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    if (how === 'SIGKILL') await this.process?.kill();
    else await this.process?.stop();
    this.process = null;
  }

  async stop(): Promise<void> {
    await this.halt();
    running.delete(this);
    await this.etcd.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** A kubeconfig file for a user. `server` says where else than at the server itself to ask. */
  async kubeconfig(
    user = 'admin', options: { server?: string; namespace?: string; tokenFile?: string } = {},
  ): Promise<string> {
    const { server = this.url, namespace, tokenFile } = options;
    const text = JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      contexts: [{ name: 'test', context: { cluster: 'test', user, ...namespace ? { namespace } : {} } }],
      clusters: [{ name: 'test', cluster: { server, 'certificate-authority': this.caFile } }],
      users: [{ name: user, user: tokenFile ? { tokenFile } : { token: this.token(user) } }],
    });
    const name = createHash('sha256').update(text).digest('hex').slice(0, 12);
    const path = join(this.dir, `kubeconfig-${name}`);
    // Another may be reading the same.
    const next = `${path}.${randomUUID()}`;
    await writeFile(next, text);
    await rename(next, path);
    return path;
  }

  token(user: string): string {
    const known = this.#users.get(user);
    if (known === undefined) throw new LabError(`${user}: no such user; make it with addUsers`);
    return known;
  }

  /** Only before the server starts: it reads its tokens once. */
  addUsers(users: readonly string[]): void {
    const lines = users.map((user) => {
      const [namespace, name] = user.split('/');
      this.#users.set(user, tokenOf(user));
      const [identity, groups] = name === undefined
        ? [user, user === 'admin' ? 'system:masters' : 'system:authenticated']
        : [`system:serviceaccount:${user.replace('/', ':')}`,
          `system:serviceaccounts,system:serviceaccounts:${namespace ?? ''}`];
      return `${tokenOf(user)},${identity},${user},"${groups}"\n`;
    });
    writeFileSync(join(this.dir, 'tokens.csv'), lines.join(''), { flag: 'a' });
  }

  /** One request, as `user`; where there is a prefix, by a process behind it. */
  async ask(method: string, path: string, body?: unknown, user = 'admin'): Promise<ApiAnswer> {
    const request: AskedFor = {
      url: `${this.url}${path}`, method, ca: readFileSync(this.caFile, 'utf8'),
      text: body === undefined ? '' : JSON.stringify(body),
      headers: {
        authorization: `Bearer ${this.token(user)}`,
        'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
      },
    };
    const { status, text } = this.#prefix.length === 0
      ? await askServer(request) : await this.#askBehindPrefix(request);
    try {
      return { status, body: JSON.parse(text) as unknown };
    } catch {
      // Such as /metrics: text.
      return { status, body: text };
    }
  }

  async #askBehindPrefix(request: AskedFor): Promise<{ status: number; text: string }> {
    const [file = '', ...args] = this.#prefix;
    const result = await attempt([file, ...args, process.execPath, askProgram], {
      input: JSON.stringify(request), timeoutMs: 15_000,
      env: { ...process.env, NODE_OPTIONS: '', NODE_TEST_CONTEXT: '' },
    });
    if (result.code === 0) return JSON.parse(result.stdout) as { status: number; text: string };
    throw new LabError(`${request.method} ${request.url}: ${result.stderr.trim()}`);
  }

  /** The same; throws unless it succeeds. */
  async must(method: string, path: string, body?: unknown, user = 'admin'): Promise<unknown> {
    const answer = await this.ask(method, path, body, user);
    if (answer.status < 300) return answer.body;
    throw new LabError(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  }

  /** Creates what manifests (files, or folders of them) describe, and waits until CRDs serve. */
  async apply(...paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      const full = join(root, path);
      const files = path.endsWith('.yaml') ? [full]
        : (await readdir(full)).filter((name) => name.endsWith('.yaml')).sort().map((name) => join(full, name));
      for (const file of files) {
        for (const document of parseAllDocuments(await readFile(file, 'utf8'))) {
          await this.create(document.toJS() as Manifest);
        }
      }
    }
  }

  async create(manifest: Manifest): Promise<void> {
    const answer = await this.ask('POST', collectionOf(manifest), manifest);
    if (answer.status >= 300 && answer.status !== 409) {
      throw new LabError(`${manifest.kind} ${manifest.metadata.name}: ${JSON.stringify(answer.body)}`);
    }
    if (manifest.kind !== 'CustomResourceDefinition') return;
    const { name } = manifest.metadata;
    const [plural = '', ...group] = name.split('.');
    await until(`${name} is served`, async () => {
      const { status } = await this.ask('GET', `/apis/${group.join('.')}/v1alpha2/${plural}`);
      return status === 200 || null;
    }, startTimeoutMs, 50);
  }

  /** Requests that the server has counted, by verb and resource. */
  async requestCount(
    match: (labels: Readonly<Record<string, string>>) => boolean,
  ): Promise<number> {
    const text = String((await this.ask('GET', '/metrics')).body);
    let sum = 0;
    const lines = text.matchAll(/^apiserver_request_total\{(.*)\} (\S+)$/gm);
    for (const [, labels = '', value = '0'] of lines) {
      const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, given]) => [key, given]);
      if (match(Object.fromEntries(pairs) as Record<string, string>)) sum += Number(value);
    }
    return sum;
  }

  /** `kubectl`, if the machine has it (see `hasKubectl`). */
  async kubectl(args: readonly string[], input?: string): Promise<CommandResult> {
    const kubectl = findProgram('kubectl');
    if (kubectl === null) throw new LabError('kubectl is not installed');
    const [file = '', ...rest] = [...this.#prefix, kubectl, '--kubeconfig', await this.kubeconfig(), ...args];
    return attempt([file, ...rest], {
      env: { ...process.env, HOME: this.dir }, timeoutMs: 30_000,
      ...input === undefined ? {} : { input },
    });
  }

  async #isReady(): Promise<boolean> {
    if (!existsSync(this.caFile)) return false;
    const [file, ...args] = this.#prefix;
    if (file === undefined) {
      return this.ask('GET', '/readyz').then(({ status }) => status === 200, () => false);
    }
    const script = `fetch('${this.url}/readyz')`
      + '.then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))';
    const result = await attempt([file, ...args, process.execPath, '-e', script], {
      env: { ...process.env, NODE_EXTRA_CA_CERTS: this.caFile }, timeoutMs: 10_000,
    }).catch(() => null);
    return result?.code === 0;
  }
}

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

const plurals: Readonly<Record<string, string>> = {
  NetworkPolicy: 'networkpolicies', PriorityLevelConfiguration: 'prioritylevelconfigurations',
};

function collectionOf({ apiVersion, kind, metadata }: Manifest): string {
  const base = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const plural = plurals[kind] ?? `${kind.toLowerCase()}s`;
  return metadata.namespace === undefined
    ? `${base}/${plural}` : `${base}/namespaces/${metadata.namespace}/${plural}`;
}

export function hasKubectl(): boolean {
  return findProgram('kubectl') !== null;
}

/** Users besides `admin` are service accounts, as NAMESPACE/NAME. */
export async function startApiServer(
  users: readonly string[] = [], options: ApiServerOptions = {},
): Promise<ApiServer> {
  const binary = await provideApiServer();
  const dir = mkdtempSync(join(tmpdir(), 'tenure-apiserver-'));
  const [port = 0] = options.listen === undefined ? await freePorts(1) : [options.listen.port];
  const host = options.listen?.host ?? '127.0.0.1';
  const prefix = options.prefix ?? [];
  const etcd = await startEtcd({
    ...prefix.length === 0 ? {} : { prefix },
    ...options.etcd === undefined ? {} : { listen: [options.etcd] },
    flags: etcdFlags(),
  });
  try {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    await mkdir(dir, { recursive: true });
    await writeFile(join(dir, 'sa.key'), privateKey, { mode: 0o600 });
    await writeFile(join(dir, 'sa.pub'), publicKey);
    const server = new ApiServer({
      url: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
      dir, etcd, prefix, env: { ...process.env, ...options.env },
      command: [
        binary, `--etcd-servers=${etcd.endpoints.join(',')}`,
        `--bind-address=${host}`, `--secure-port=${port}`, `--cert-dir=${dir}`,
        `--service-account-key-file=${join(dir, 'sa.pub')}`,
        `--service-account-signing-key-file=${join(dir, 'sa.key')}`,
        '--service-account-issuer=https://kubernetes.default.svc',
        `--token-auth-file=${join(dir, 'tokens.csv')}`, '--authorization-mode=RBAC',
        '--service-cluster-ip-range=10.96.0.0/16', '--disable-admission-plugins=ServiceAccount',
        '--endpoint-reconciler-type=none', ...options.flags ?? [],
      ],
    });
    server.addUsers(['admin', ...users]);
    await server.start();
    return server;
  } catch (error) {
    await etcd.stop();
    rmSync(dir, { recursive: true, force: true });
    throw error;
  }
}

/**
 * A watch that names no revision waits until the server's cache has reached etcd's own. Before 3.6
 * etcd must be told to say how far it is, or that is only known once something is written.
 */
function etcdFlags(): string[] {
  const version = execFileSync('etcd', ['--version'], { encoding: 'utf8' });
  return /Version: 3\.[45]\./.test(version)
    ? ['--experimental-watch-progress-notify-interval=500ms'] : [];
}

