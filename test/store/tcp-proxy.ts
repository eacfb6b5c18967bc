/** A way to a TCP server that can be made to hang, to lose answers, or to break. */
import { createServer, connect } from 'node:net';
import type { Server, Socket } from 'node:net';

export type ProxyMode =
  | 'open'
  /** Connections stay, or are made; no byte passes. */
  | 'hang'
  /** What is asked arrives; what is answered does not. */
  | 'deaf'
  /** New connections are closed at once. */
  | 'closed';

export class TcpProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #mode: ProxyMode = 'open';

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async to(port: number): Promise<TcpProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const proxy = new TcpProxy(server, address.port);
    server.on('connection', (socket) => proxy.#accept(socket, port));
    return proxy;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get connections(): number {
    return this.#pairs.size;
  }

  set(mode: ProxyMode): void {
    this.#mode = mode;
    for (const [near, far] of this.#pairs) this.#apply(near, far);
  }

  /** Breaks every connection there is. */
  cut(): void {
    for (const [near, far] of this.#pairs) {
      near.resetAndDestroy();
      far.destroy();
    }
    this.#pairs.clear();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(near: Socket, port: number): void {
    near.on('error', () => undefined);
    if (this.#mode === 'closed') return void near.resetAndDestroy();
    const far = connect(port, '127.0.0.1');
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    far.on('error', () => undefined);
    near.on('data', (bytes) => void far.write(bytes));
    far.on('data', (bytes) => {
      if (this.#mode !== 'deaf') near.write(bytes);
    });
    const end = () => {
      this.#pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    near.on('close', end);
    far.on('close', end);
    this.#apply(near, far);
  }

  #apply(near: Socket, far: Socket): void {
    if (this.#mode === 'hang') {
      near.pause();
      far.pause();
    } else {
      near.resume();
      far.resume();
    }
  }
}
