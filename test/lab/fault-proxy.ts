/**
 * Stands between a client and the API server, and does what goes wrong there: it ends TLS on both
 * sides, so that it can answer in the server's place, keep answers back, or fall silent in the
 * middle of a watch. What passes untouched is the real server's.
 */
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiServer } from './apiserver.ts';

export interface Asked {
  readonly method: string;
  /** With query. */
  readonly path: string;
  readonly authorization: string;
  readonly at: number;
}

export type Fault =
  /** Answered by the proxy; the server never hears of it. */
  | {
    readonly kind: 'answer';
    readonly status: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: unknown;
  }
  /** Taken, and never answered; the server never hears of it. */
  | { readonly kind: 'hang' }
  /** The server carries it out; the answer comes so much later. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** The server carries it out; the answer never comes. */
  | { readonly kind: 'lose-answer' }
  /** The server hears of it so much later, whether the client still waits or not. */
  | { readonly kind: 'late'; readonly ms: number };

/** metav1.Status, as API servers answer. */
export function status(code: number, reason: string, message = reason): Fault {
  return {
    kind: 'answer', status: code,
    body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message },
  };
}

interface OpenWatch {
  readonly response: ServerResponse;
  readonly upstream: IncomingMessage;
}

export class FaultProxy {
  /** Decides on each request; null: it passes. */
  fault: (asked: Asked) => Fault | null = () => null;
  /** Who a request comes from, in the server's eyes. */
  rewrite: (authorization: string) => string = (authorization) => authorization;
  readonly asked: Asked[] = [];
  readonly #server: https.Server;
  readonly #target: ApiServer;
  readonly #agent: https.Agent;
  readonly #sockets = new Set<Socket>();
  readonly #watches = new Set<OpenWatch>();
  #port = 0;
  #frozen = false;

  private constructor(target: ApiServer) {
    this.#target = target;
    this.#agent = new https.Agent({ keepAlive: true, ca: readFileSync(target.caFile) });
    // The server's own certificate: it is of the address, and whoever trusts the server trusts us.
    this.#server = https.createServer({
      cert: readFileSync(target.caFile), key: readFileSync(target.keyFile),
    }, (request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => undefined);
      if (this.#frozen) socket.pause();
    });
    this.#server.on('tlsClientError', () => undefined);
  }

  static async start(target: ApiServer): Promise<FaultProxy> {
    const proxy = new FaultProxy(target);
    await proxy.up();
    return proxy;
  }

  get url(): string {
    return `https://127.0.0.1:${this.#port}`;
  }

  get watches(): number {
    return this.#watches.size;
  }

  /** Nothing listens any more, and all connections are broken: a server that is gone. */
  async down(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** The server is back, at the same address. */
  async up(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#port, '127.0.0.1', () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Connections stay open, and not a byte moves, also on new ones. */
  freeze(): void {
    this.#frozen = true;
    for (const socket of this.#sockets) socket.pause();
    for (const { upstream } of this.#watches) upstream.pause();
  }

  thaw(): void {
    this.#frozen = false;
    for (const socket of this.#sockets) socket.resume();
    for (const { upstream } of this.#watches) upstream.resume();
  }

  /** Open watches stay open and tell nothing more. */
  silenceWatches(): void {
    for (const { upstream } of this.#watches) {
      upstream.removeAllListeners('data');
      upstream.resume();
    }
  }

  endWatches(): void {
    for (const { response, upstream } of this.#watches) {
      response.end();
      upstream.destroy();
    }
  }

  /** Says something in the server's name on every open watch. */
  tellWatches(event: unknown): void {
    for (const { response } of this.#watches) response.write(`${JSON.stringify(event)}\n`);
  }

  async stop(): Promise<void> {
    for (const { upstream } of this.#watches) upstream.destroy();
    if (this.#server.listening) await this.down();
    this.#agent.destroy();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request;
    const asked: Asked = {
      method, path: url, authorization: headers.authorization ?? '', at: performance.now(),
    };
    this.asked.push(asked);
    const pieces: Buffer[] = [];
    for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
    const fault = this.fault(asked);
    if (fault?.kind === 'hang') return;
    if (fault?.kind === 'answer') {
      response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers });
      response.end(JSON.stringify(fault.body ?? {}));
      return;
    }
    if (fault?.kind === 'late') await sleep(fault.ms);
    const upstream = await this.#forward(asked, headers, Buffer.concat(pieces));
    if (fault?.kind === 'lose-answer') {
      upstream.resume();
      request.socket.destroy();
      return;
    }
    if (fault?.kind === 'delay') await sleep(fault.ms);
    await this.#answer(asked, upstream, response);
  }

  async #forward(
    { method, path }: Asked, headers: IncomingMessage['headers'], body: Buffer,
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const { 'transfer-encoding': _, ...rest } = headers;
      const request = https.request(`${this.#target.url}${path}`, {
        method,
        agent: this.#agent,
        headers: {
          ...rest,
          authorization: this.rewrite(headers.authorization ?? ''),
          'content-length': body.length,
        },
      }, resolve);
      request.on('error', reject);
      request.end(body);
    });
  }

  async #answer(
    asked: Asked, upstream: IncomingMessage, response: ServerResponse,
  ): Promise<void> {
    response.writeHead(upstream.statusCode ?? 502, upstream.headers);
    response.flushHeaders();
    const watch = { upstream, response };
    if (asked.path.includes('watch=true')) this.#watches.add(watch);
    upstream.on('data', (piece: Buffer) => response.write(piece));
    if (this.#frozen) upstream.pause();
    await new Promise<void>((resolve) => {
      response.on('close', () => {
        upstream.destroy();
        resolve();
      });
      upstream.on('end', () => response.end());
      upstream.on('error', () => response.destroy());
      upstream.on('close', resolve);
    });
    this.#watches.delete(watch);
  }
}
