/**
 * One connection to one endpoint of an etcd. gRPC's own reconnecting is not used: a link that
 * broke, or stopped answering, is retired for ever, and the connection (connection.ts) makes a
 * new one, there or elsewhere. So every failure has one place where it is noticed, and a TCP
 * connection that sits in its back-off after a cable was cut holds nobody up.
 *
 * Of the etcd3 package this uses the protocol and the service clients. Its pool, retries, leases
 * and watchers are passed by: they repeat writes, they cannot be aborted, and they keep a stale
 * token for streams.
 *
 *   connecting --SETTINGS received--> ready --lost, hung, or closed--> gone
 *        \--refused, or no answer in time----------------------------> gone
 */
import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import { Channel, Metadata, connectivityState, credentials, status as Code } from '@grpc/grpc-js';
import type { ClientDuplexStream, ClientUnaryCall, ServiceError } from '@grpc/grpc-js';
import type {
  IAuthenticateRequest, IAuthenticateResponse, ILeaseGrantRequest, ILeaseGrantResponse,
  ILeaseRevokeRequest, ILeaseRevokeResponse, IRangeRequest, IRangeResponse, IStatusResponse,
  ITxnRequest, ITxnResponse,
} from 'etcd3';
import { Host } from 'etcd3/lib/connection-pool.js';
import { EtcdError, errorFromStatus, timeoutError } from './errors.ts';
import type { Endpoint, EtcdSettings, TlsMaterial } from './options.ts';
import { orAborted, within } from './wait.ts';

/** The unary methods that are used: service, request, response. */
interface Methods {
  range: ['KV', IRangeRequest, IRangeResponse];
  txn: ['KV', ITxnRequest, ITxnResponse];
  leaseGrant: ['Lease', ILeaseGrantRequest, ILeaseGrantResponse];
  leaseRevoke: ['Lease', ILeaseRevokeRequest, ILeaseRevokeResponse];
  authenticate: ['Auth', IAuthenticateRequest, IAuthenticateResponse];
  status: ['Maintenance', object, IStatusResponse];
}
export type Method = keyof Methods;
export type Request<M extends Method> = Methods[M][1];
export type Response<M extends Method> = Methods[M][2];

const services: { readonly [M in Method]: Methods[M][0] } = {
  range: 'KV', txn: 'KV', leaseGrant: 'Lease', leaseRevoke: 'Lease', authenticate: 'Auth',
  status: 'Maintenance',
};

/** Answers above this are refused; lists come in pages far below it. */
const maxMessageBytes = 64 * 1024 * 1024;

const loginTimeoutMs = 5_000;

/**
 * A connection with a watch on it is asked so often whether it is still there, by HTTP/2 PING: no
 * request to etcd, whose process answers by itself. More often than once in 5 s it would close the
 * connection (its --grpc-keepalive-min-time).
 */
const pingEveryMs = 6_000;
/** And no answer for so long: it is lost. */
const pingTimeoutMs = 2_000;

/** A call given up sooner than this says nothing about the other side. */
const suspiciousMs = 50;

type Callback<T> = (error: ServiceError | null, response?: T) => void;
type UnaryMethod = (
  request: unknown, metadata: Metadata, options: object, callback: Callback<unknown>,
) => ClientUnaryCall;
type StreamMethod = (metadata: Metadata, options: object) => ClientDuplexStream<unknown, unknown>;

/**
 * A certificate is checked against the address that was dialled. A server name (SNI) must be a
 * name: where an IP address was dialled, gRPC would send that, and Node warns the user about it;
 * so such servers are sent a word that means nothing, and are checked by their address.
 */
function credentialsFor(endpoint: Endpoint, tls: TlsMaterial | undefined) {
  if (tls === undefined) return { creds: credentials.createInsecure(), options: {} };
  const host = new URL(endpoint.address).hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) === 0) {
    return { creds: credentials.createSsl(tls.ca, tls.key, tls.cert), options: {} };
  }
  const creds = credentials.createSsl(tls.ca, tls.key, tls.cert, {
    checkServerIdentity: (_, cert) => checkServerIdentity(host, cert),
  });
  return { creds, options: { 'grpc.ssl_target_name_override': 'etcd' } };
}

export class Link {
  readonly endpoint: Endpoint;
  /** performance.now() of the last word from the other side; -Infinity: none yet. */
  lastHeardAt = -Infinity;
  readonly #gone = new AbortController();
  readonly #channel: Channel;
  readonly #host: Host;
  readonly #login: EtcdSettings['login'];
  #metadata = new Metadata();
  #loggingIn: Promise<void> | null = null;
  #inFlight = 0;
  #closed = false;

  /** Begins to connect. Throws StoreError('invalid') if the TLS files cannot be read. */
  constructor(endpoint: Endpoint, settings: EtcdSettings) {
    this.endpoint = endpoint;
    this.#login = settings.login;
    const { creds, options } = credentialsFor(endpoint, settings.readTls?.());
    this.#channel = new Channel(endpoint.target, creds, {
      ...options,
      // Channels of one process share connections otherwise, broken ones included.
      'grpc.use_local_subchannel_pool': 1,
      'grpc.max_receive_message_length': maxMessageBytes,
      // One attempt: the next one is another link's.
      'grpc.initial_reconnect_backoff_ms': 60_000,
      'grpc.service_config_disable_resolution': 1,
      'grpc.enable_retries': 0,
      'grpc.keepalive_time_ms': pingEveryMs,
      'grpc.keepalive_timeout_ms': pingTimeoutMs,
    });
    // One channel, and so one connection, for all services.
    this.#host = new Host(endpoint.target, creds, { channelOverride: this.#channel });
  }

  /** Aborted once this link takes no more calls. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Waits until the server has spoken and, with a login, has accepted it. */
  async ready(signal: AbortSignal): Promise<void> {
    // A channel that connects does not keep the process alive; whoever waits for it must.
    const hold = setInterval(() => undefined, 60_000);
    try {
      await this.#connected(signal);
    } finally {
      clearInterval(hold);
    }
    void this.#retireWhenLost();
    if (this.#login !== null) await this.logIn(signal, null);
  }

  /**
   * Sends at once. Rejects with EtcdError; with 'timeout' at the instant of the abort, whatever
   * the other side does, and then retires a link on which nothing was heard lately.
   */
  call<M extends Method>(
    method: M, request: Request<M>, signal: AbortSignal, metadata = this.#metadata,
  ): Promise<Response<M>> {
    const client = this.#host.getServiceClient(services[method]);
    const run = (client as unknown as Record<Method, UnaryMethod>)[method];
    return this.#track<Response<M>>(method, signal, (done) => {
      const call = run.call(client, request, metadata, {}, done as Callback<unknown>);
      return () => call.cancel();
    });
  }

  /** One request and one answer over a stream: what LeaseKeepAlive and Watch are made of. */
  exchange<T>(
    service: 'Lease', method: 'leaseKeepAlive', request: unknown, signal: AbortSignal,
  ): Promise<T> {
    return this.#track<T>(method, signal, (done) => {
      const stream = this.stream(service, method);
      stream.once('data', (response) => {
        done(null, response as T);
        stream.end();
      });
      stream.on('error', (error) => done(error as ServiceError));
      stream.once('end', () => {
        const error = { code: Code.UNAVAILABLE, details: 'ended without an answer' };
        done(error as ServiceError);
      });
      stream.write(request);
      return () => stream.cancel();
    });
  }

  /** The caller cancels it, also when `gone` says so. */
  stream(
    service: 'Lease' | 'Watch', method: 'leaseKeepAlive' | 'watch', requireLeader = false,
  ): ClientDuplexStream<unknown, unknown> {
    const client = this.#host.getServiceClient(service);
    const run = (client as unknown as Record<typeof method, StreamMethod>)[method];
    const metadata = this.#metadata.clone();
    // etcd then ends the stream when its member has lost the others (Documentation/learning/
    // api_guarantees): a watch on a member that was cut off would be silent for ever.
    if (requireLeader) metadata.set('hasleader', 'true');
    return run.call(client, metadata, {});
  }

  /** Gets a token, unless another call has already replaced the `stale` one. */
  async logIn(signal: AbortSignal, stale: string | null): Promise<void> {
    const login = this.#login;
    if (login === null || this.token !== stale) return;
    // Shared by the calls that wait for it, so that none of their signals ends it for the others.
    this.#loggingIn ??= within(loginTimeoutMs, [this.gone], (limit) => (
      this.#authenticate(login, limit)
    )).finally(() => { this.#loggingIn = null; });
    await orAborted(this.#loggingIn, signal, () => timeoutError('login', this.endpoint.address));
  }

  get token(): string | null {
    return this.#metadata.get('token')[0]?.toString() ?? null;
  }

  /** Takes no more calls; the connection is closed when those under way are done. */
  retire(): void {
    if (this.#gone.signal.aborted) return;
    this.#gone.abort();
    this.#closeIfIdle();
  }

  async #authenticate(
    { name, password }: { name: string; password: string }, signal: AbortSignal,
  ): Promise<void> {
    try {
      // Without the old token, which etcd would refuse here too.
      const { token } = await this.call(
        'authenticate', { name, password }, signal, new Metadata(),
      );
      this.#metadata = new Metadata();
      this.#metadata.set('token', token);
    } catch (error) {
      // As etcd's own client does: a server that asks for no login needs none.
      if (!(error instanceof EtcdError) || error.reason !== 'auth-off') throw error;
    }
  }

  async #connected(signal: AbortSignal): Promise<void> {
    const startedAt = performance.now();
    let state = this.#channel.getConnectivityState(true);
    while (state !== connectivityState.READY) {
      if (state === connectivityState.TRANSIENT_FAILURE) throw await this.#whyNot(signal);
      if (!await this.#stateChange(state, signal)) {
        throw timeoutError('connecting', this.endpoint.address, performance.now() - startedAt);
      }
      state = this.#channel.getConnectivityState(true);
    }
  }

  #track<T>(
    what: string, signal: AbortSignal, start: (done: Callback<T>) => () => void,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const sentAt = performance.now();
      const { address } = this.endpoint;
      let settled = false;
      let cancel: (() => void) | null = null;
      const settle = (act: () => void) => {
        if (settled) return;
        settled = true;
        signal.removeEventListener('abort', onAbort);
        this.#inFlight -= 1;
        act();
        this.#closeIfIdle();
      };
      const onAbort = () => {
        const waitedMs = performance.now() - sentAt;
        settle(() => reject(timeoutError(what, address, waitedMs)));
        cancel?.();
        // What was on its way when the other side fell silent does not count as a word from it.
        const silentMs = performance.now() - this.lastHeardAt;
        if (waitedMs >= suspiciousMs && silentMs > waitedMs / 2) this.retire();
      };
      if (signal.aborted) return reject(timeoutError(what, address, 0));
      this.#inFlight += 1;
      signal.addEventListener('abort', onAbort);
      cancel = start((error, response) => settle(() => {
        if (error !== null) {
          const failure = errorFromStatus(error, address);
          if (failure.code === 'unavailable') this.retire();
          else this.lastHeardAt = performance.now();
          reject(failure);
          return;
        }
        this.lastHeardAt = performance.now();
        resolve(response as T);
      }));
    });
  }

  /** Resolves to false if the signal came first. */
  #stateChange(from: connectivityState, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve(false);
      const onAbort = () => resolve(false);
      signal.addEventListener('abort', onAbort, { once: true });
      this.#channel.watchConnectivityState(from, Infinity, () => {
        signal.removeEventListener('abort', onAbort);
        resolve(true);
      });
    });
  }

  async #retireWhenLost(): Promise<void> {
    await this.#stateChange(connectivityState.READY, this.gone);
    this.retire();
  }

  /** A channel does not tell why it failed; a call on it, which fails at once, does. */
  async #whyNot(signal: AbortSignal): Promise<EtcdError> {
    try {
      await this.call('status', {}, signal);
    } catch (error) {
      if (error instanceof EtcdError) return error;
      throw error;
    }
    return new EtcdError('unavailable', `${this.endpoint.address}: no connection`);
  }

  #closeIfIdle(): void {
    if (!this.gone.aborted || this.#inFlight > 0 || this.#closed) return;
    this.#closed = true;
    this.#channel.close();
  }
}
