/** How to reach an etcd: what a user sets, checked where it enters. */
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { StoreError } from '../lease-store.ts';

export interface EtcdOptions {
  /** http://host:port or https://host:port, at least one; all http or all https. */
  readonly endpoints: readonly string[];
  /** Files in PEM. Without `ca` the system's certificate authorities are trusted. */
  readonly tls?: {
    readonly ca?: string | undefined;
    readonly cert?: string | undefined;
    readonly key?: string | undefined;
  } | undefined;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** Every key begins with it. Default '/tenure/'. */
  readonly prefix?: string | undefined;
}

export interface Endpoint {
  /** As a person writes it: https://10.0.0.1:2379. */
  readonly address: string;
  /** As gRPC wants it: 10.0.0.1:2379. */
  readonly target: string;
}

export interface TlsMaterial {
  readonly ca: Buffer | null;
  readonly cert: Buffer | null;
  readonly key: Buffer | null;
}

export interface EtcdSettings {
  readonly endpoints: readonly Endpoint[];
  readonly prefix: string;
  readonly login: { readonly name: string; readonly password: string } | null;
  /**
   * Reads the files anew: certificates are replaced while agents run. Null: no TLS.
   * Throws StoreError('invalid').
   */
  readonly readTls: (() => TlsMaterial) | null;
}

export const defaultPrefix = '/tenure/';

function refuse(what: string, fix: string, cause?: unknown): never {
  throw new StoreError('invalid', what, cause === undefined ? { fix } : { fix, cause });
}

function checkEndpoint(text: string): Endpoint & { readonly secure: boolean } {
  const fix = 'write it as http://HOST:PORT or https://HOST:PORT';
  // Someone may have put a password there.
  const shown = JSON.stringify(text.replace(/\/\/.*@/, '//***@'));
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return refuse(`store endpoint ${shown} is not a URL`, fix);
  }
  const bare = url.username === '' && url.password === '' && url.search === '' && url.hash === ''
    && (url.pathname === '/' || url.pathname === '') && url.hostname !== '';
  if ((url.protocol !== 'http:' && url.protocol !== 'https:') || !bare) {
    refuse(`store endpoint ${shown} is not an address of an etcd`, fix);
  }
  // etcd's client port; a URL without one must not mean 80 or 443.
  const target = `${url.hostname}:${url.port === '' ? defaultPort(text) : url.port}`;
  return {
    address: `${url.protocol}//${target}`, target, secure: url.protocol === 'https:',
  };
}

/** The URL parser drops a port that is the scheme's own, so that it must be looked for. */
function defaultPort(text: string): string {
  return /:(80|443)\/?$/.exec(text)?.[1] ?? '2379';
}

function checkPrefix(text: string): string {
  const prefix = text.endsWith('/') ? text : `${text}/`;
  if (!/^\/(?:[A-Za-z0-9._-]+\/)+$/.test(prefix) || prefix.length > 200) {
    refuse(
      `store prefix ${JSON.stringify(text)} cannot be used`,
      `begin it with / and use letters, digits, ., _ and - between slashes, as in ${defaultPrefix}`,
    );
  }
  return prefix;
}

function checkLogin(user: string | undefined, password: string | undefined) {
  if (user === undefined && password === undefined) return null;
  if (user === undefined || user === '') {
    return refuse('the store has a password but no user', 'set both, or neither');
  }
  if (password === undefined || password === '') {
    return refuse(`the store has a user, ${JSON.stringify(user)}, but no password`, 'set both');
  }
  return { name: user, password };
}

function readFile(what: string, path: string | undefined): Buffer | null {
  if (path === undefined) return null;
  try {
    return readFileSync(path);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return refuse(`store tls ${what} ${path} cannot be read: ${why}`, 'name a PEM file', error);
  }
}

function readTls(tls: NonNullable<EtcdOptions['tls']>): TlsMaterial {
  const ca = readFile('ca', tls.ca);
  const cert = readFile('cert', tls.cert);
  const key = readFile('key', tls.key);
  const pem = [['ca', tls.ca, ca], ['cert', tls.cert, cert], ['key', tls.key, key]] as const;
  for (const [what, path = '', bytes] of pem) {
    if (bytes !== null && !bytes.includes('-----BEGIN ')) {
      refuse(`store tls ${what} ${path} holds no PEM block`, 'name a PEM file');
    }
  }
  try {
    createSecureContext({
      ...ca === null ? {} : { ca }, ...cert === null || key === null ? {} : { cert, key },
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    refuse(
      `the store's TLS files cannot be used (${pem.map(([, path]) => path ?? '-').join(', ')}): `
      + why,
      'ca and cert must be PEM certificates, and key the private key of cert',
      error,
    );
  }
  return { ca, cert, key };
}

/** Checks every field, and the TLS files. Throws StoreError('invalid'). */
export function checkEtcdOptions(options: EtcdOptions): EtcdSettings {
  const { tls } = options;
  const endpoints = options.endpoints.map(checkEndpoint);
  if (endpoints.length === 0) refuse('the store has no endpoints', 'name at least one');
  const secure = endpoints[0]?.secure === true;
  if (endpoints.some((endpoint) => endpoint.secure !== secure)) {
    refuse(
      `store endpoints ${options.endpoints.join(', ')} are part http, part https`,
      'use one of the two for all',
    );
  }
  const addresses = new Set(endpoints.map(({ address }) => address));
  if (addresses.size < endpoints.length) {
    refuse(`store endpoints ${options.endpoints.join(', ')} repeat one`, 'name each once');
  }
  if (tls !== undefined && !secure) {
    refuse('the store has TLS files but its endpoints are http', 'write the endpoints as https://');
  }
  if ((tls?.cert === undefined) !== (tls?.key === undefined)) {
    refuse('of the store\'s tls cert and tls key only one is set', 'set both, or neither');
  }
  const read = secure ? () => readTls(tls ?? {}) : null;
  read?.();
  return {
    endpoints: endpoints.map(({ address, target }) => ({ address, target })),
    prefix: checkPrefix(options.prefix ?? defaultPrefix),
    login: checkLogin(options.user, options.password),
    readTls: read,
  };
}
