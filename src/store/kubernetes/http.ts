/**
 * HTTP to the API server: one request, or one stream of lines. Connections are kept and shared,
 * since a TLS handshake costs more than a swap, and there is no queue: what finds no free
 * connection opens one. (The Kubernetes client opens a connection for each request.)
 */
import http from 'node:http';
import https from 'node:https';
import { StoreError } from '../lease-store.ts';
import { sameTls, shownBy } from './credentials.ts';
import type { Access, Credentials } from './credentials.ts';
import { errorFromNetwork, timeoutError } from './errors.ts';
import type { Action } from './errors.ts';
import { isAborted } from './is-aborted.ts';

export interface Request {
  readonly action: Action;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With query. */
  readonly path: string;
  readonly body?: unknown;
}

export interface Answer {
  readonly status: number;
  /** As JSON; null if it is none. */
  readonly body: unknown;
  /** What was shown as credentials, for people. */
  readonly shown: string;
}

export type OnLines = (lines: readonly string[]) => 'more' | 'enough';

/** No answer of the API server to what we ask is near this: a list comes in pages. */
const longestAnswer = 64 * 1024 * 1024;
const longestLine = 4 * 1024 * 1024;
/** A server that asks for more patience than this gets another try all the same. */
const longestWaitMs = 30_000;

/** What Node's agents have, and its types do not tell. */
type KeepingAgent = http.Agent & { keepAlive: boolean };

export class HttpClient {
  readonly #credentials: Credentials;
  #agent: http.Agent | null = null;
  #agentOf: Access | null = null;
  #answeredAt = 0;

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  get server(): string {
    return this.#credentials.current.server;
  }

  /**
   * The answer, whatever its status; rejects with StoreError. Sent again where it is certain that
   * it was not carried out: refused for its credentials when there are new ones (401), or for the
   * server's load when that says how long to wait (429).
   */
  async request(request: Request, signal: AbortSignal): Promise<Answer> {
    let renewed = false;
    for (;;) {
      const access = this.#credentials.current;
      const { response, done } = await this.#send(access, request, signal);
      const body = await this.#readBody(access, request, response, signal).finally(done);
      const status = response.statusCode ?? 0;
      if (status === 401 && !renewed && await this.#credentials.renew(access)) {
        renewed = true;
      } else if (status === 429) {
        await this.#wait(access, request, response, signal);
      } else {
        return { status, body, shown: shownBy(access) };
      }
    }
  }

  /**
   * Hands over the lines of a long answer as they come, those of one piece together, until it ends
   * or `onLines` says that it is enough. Resolves to null if it was a stream, or to the answer that
   * came in its place.
   */
  async stream(
    request: Request, onOpen: () => void, onLines: OnLines, signal: AbortSignal,
  ): Promise<Answer | null> {
    const access = this.#credentials.current;
    const { response, done } = await this.#send(access, request, signal);
    try {
      const status = response.statusCode ?? 0;
      if (status !== 200) {
        const body = await this.#readBody(access, request, response, signal);
        if (status === 401) await this.#credentials.renew(access);
        return { status, body, shown: shownBy(access) };
      }
      response.socket.setKeepAlive(true, 15_000);
      onOpen();
      await this.#readLines(access, request, response, onLines, signal);
      return null;
    } finally {
      done();
      response.destroy();
    }
  }

  /** Connections that wait for a next request are dropped: they may lead to a dead server. */
  forgetConnections(): void {
    const agent = this.#agent as KeepingAgent | null;
    this.#agent = null;
    this.#agentOf = null;
    if (agent === null) return;
    agent.keepAlive = false;
    for (const sockets of Object.values(agent.freeSockets)) {
      for (const socket of sockets ?? []) socket.destroy();
    }
  }

  close(): void {
    this.#agent?.destroy();
    this.#agent = null;
  }

  #agentFor(access: Access): http.Agent {
    const last = this.#agentOf;
    const same = last !== null && last.server === access.server && sameTls(last.tls, access.tls);
    if (this.#agent !== null && (last === access || same)) return this.#agent;
    this.forgetConnections();
    this.#agentOf = access;
    this.#agent = access.agent ?? (access.server.startsWith('https:')
      ? new https.Agent({ ...access.tls, keepAlive: true }) : new http.Agent({ keepAlive: true }));
    // The Kubernetes client makes its own without, and has no option for it.
    (this.#agent as KeepingAgent).keepAlive = true;
    return this.#agent;
  }

  /** Sends it, and waits for the head of the answer. */
  async #send(
    access: Access, request: Request, signal: AbortSignal, again = false,
  ): Promise<{ response: http.IncomingMessage; done: () => void }> {
    if (signal.aborted) throw timeoutError(request.action, access.server);
    const url = new URL(`${access.server}${request.path}`);
    const body = request.body === undefined ? null : Buffer.from(JSON.stringify(request.body));
    const sentAt = performance.now();
    const { request: make } = url.protocol === 'https:' ? https : http;
    const sent = make(url, {
      method: request.method,
      agent: this.#agentFor(access),
      headers: {
        ...access.headers,
        accept: 'application/json',
        'user-agent': 'tenure',
        ...body === null ? {} : {
          'content-type': request.method === 'PATCH' ? 'application/json-patch+json' : 'application/json',
          'content-length': body.length,
        },
      },
    });
    const abort = (): void => {
      sent.destroy();
    };
    signal.addEventListener('abort', abort);
    const done = (): void => signal.removeEventListener('abort', abort);
    try {
      const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
        sent.once('response', resolve);
        sent.on('error', reject);
        sent.once('close', () => reject(new Error('the connection was closed')));
        sent.end(body ?? undefined);
      });
      this.#answeredAt = performance.now();
      return { response, done };
    } catch (error) {
      done();
      // The server closed a connection that it had kept for long, just as we used it again.
      if (sent.reusedSocket && !again && isReset(error)) {
        this.forgetConnections();
        return this.#send(access, request, signal, true);
      }
      // Nothing was answered meanwhile: whoever used the same connections next would wait too.
      if (isAborted(signal) && this.#answeredAt < sentAt) this.forgetConnections();
      throw this.#translate(access, request, signal, error);
    }
  }

  async #readBody(
    access: Access, request: Request, response: http.IncomingMessage, signal: AbortSignal,
  ): Promise<unknown> {
    const pieces: Buffer[] = [];
    let size = 0;
    try {
      for await (const piece of response as AsyncIterable<Buffer>) {
        size += piece.length;
        if (size > longestAnswer) throw new Error(`the answer is longer than ${longestAnswer} bytes`);
        pieces.push(piece);
      }
    } catch (error) {
      throw this.#translate(access, request, signal, error);
    }
    try {
      return JSON.parse(Buffer.concat(pieces).toString('utf8')) as unknown;
    } catch {
      return null;
    }
  }

  async #readLines(
    access: Access, request: Request, response: http.IncomingMessage,
    onLines: OnLines, signal: AbortSignal,
  ): Promise<void> {
    let rest = '';
    for await (const piece of this.#pieces(access, request, response, signal)) {
      const lines = (rest + piece).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > longestLine) {
        const error = new Error(`a line is longer than ${longestLine} bytes`);
        throw errorFromNetwork(request.action, access.server, error);
      }
      if (onLines(lines.filter((line) => line !== '')) === 'enough') return;
    }
  }

  async* #pieces(
    access: Access, request: Request, response: http.IncomingMessage, signal: AbortSignal,
  ): AsyncGenerator<string> {
    response.setEncoding('utf8');
    try {
      yield* response as AsyncIterable<string>;
    } catch (error) {
      throw this.#translate(access, request, signal, error);
    }
  }

  async #wait(
    access: Access, request: Request, response: http.IncomingMessage, signal: AbortSignal,
  ): Promise<void> {
    const seconds = Number(response.headers['retry-after']);
    const ms = Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 1000;
    const over = await pause(Math.min(ms, longestWaitMs), signal);
    if (!over) throw timeoutError(request.action, `${access.server} (busy: 429)`);
  }

  #translate(access: Access, request: Request, signal: AbortSignal, error: unknown): StoreError {
    return signal.aborted ? timeoutError(request.action, access.server)
      : errorFromNetwork(request.action, access.server, error);
  }
}

function isReset(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ECONNRESET' || code === 'EPIPE';
}

/** Whether the time went by; false: aborted. Never rejects. */
export async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  return new Promise((resolve) => {
    const finish = (over: boolean): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      resolve(over);
    };
    const aborted = (): void => finish(false);
    const timer = setTimeout(finish, ms, true);
    signal.addEventListener('abort', aborted);
  });
}
