/** TCP: a connection each time, served once the peer accepts; HTTP: once it has begun to answer. */
import { createConnection, type Socket } from 'node:net';
import { realtimeMs } from '../../net/clock.ts';
import type { HeardReply } from '../ears.ts';
import { ProbeLog } from '../probe-log.ts';
import { probeName, Refusals, unseen, type Probe, type ProbeSpec } from './probe.ts';

interface Attempt {
  readonly number: number;
  readonly begun: number;
  readonly socket: Socket;
  /** When the program learnt that it was served, wall-clock ms. */
  served: number | null;
}

interface SeenFrame {
  readonly at: number;
  readonly mac: string;
}

/** Connections that are open at a time; beyond it a question is not asked, and counts as lost. */
const mostOpen = 1024;
/** How long the frame of an answer is waited for once the program knows of the answer. */
const frameMs = 50;

export class StreamProbe implements Probe {
  readonly name: string;
  readonly rate: number;
  readonly log = new ProbeLog(2 ** 17);
  readonly patienceMs = 500;
  readonly timestamps: 'kernel' | 'program';
  readonly refusals = new Refusals();
  readonly #spec: ProbeSpec;
  readonly #host: string;
  readonly #attempts = new Set<Attempt>();
  /** By this host's port: frames that serve, of connections whose program side is not there yet. */
  readonly #frames = new Map<number, SeenFrame>();
  readonly #byPort = new Map<number, Attempt>();

  constructor(spec: ProbeSpec, host: string, seen: boolean) {
    this.name = probeName(spec);
    this.rate = spec.rate;
    this.timestamps = seen ? 'kernel' : 'program';
    this.#spec = spec;
    this.#host = host;
  }

  send(): void {
    const begun = realtimeMs();
    const number = this.log.send(begun);
    if (this.#attempts.size >= mostOpen) {
      this.refusals.count('too many open');
      return;
    }
    const port = this.#spec.port ?? 80;
    const socket = createConnection({ host: this.#host, port, noDelay: true });
    const attempt: Attempt = { number, begun, socket, served: null };
    this.#attempts.add(attempt);
    socket.on('connect', () => {
      if (this.#spec.kind === 'tcp') this.#serve(attempt);
      else socket.write(`GET / HTTP/1.0\r\nHost: ${hostHeader(this.#host)}\r\nUser-Agent: tenure-measure\r\n\r\n`);
    });
    socket.on('data', (data: Buffer) => {
      if (data.subarray(0, 5).toString('latin1') === 'HTTP/') this.#serve(attempt);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (attempt.served === null) this.refusals.count(error.code ?? 'failed');
      this.#end(attempt);
    });
    socket.on('close', () => { if (attempt.served === null) this.#end(attempt); });
  }

  #serve(attempt: Attempt): void {
    if (attempt.served !== null) return;
    const { number, socket } = attempt;
    const port = socket.localPort ?? 0;
    attempt.served = realtimeMs();
    // Reset, so that no thousand of ports is left waiting (TIME_WAIT).
    socket.resetAndDestroy();
    const frame = this.#frames.get(port);
    if (frame !== undefined || this.timestamps === 'program') {
      this.log.answer(number, frame?.at ?? attempt.served, frame?.mac ?? unseen);
      this.#frames.delete(port);
      this.#end(attempt);
    } else {
      this.#byPort.set(port, attempt);
    }
  }

  onReply({ at, mac, reply }: HeardReply): void {
    if (reply.kind !== 'tcp' || reply.port !== this.#spec.port) return;
    if (this.#spec.kind === 'tcp' ? !reply.opens : !reply.speaks) return;
    const waiting = this.#byPort.get(reply.to);
    if (waiting === undefined) {
      if (this.#frames.size < 4 * mostOpen && !this.#frames.has(reply.to)) {
        this.#frames.set(reply.to, { at, mac });
      }
      return;
    }
    this.#byPort.delete(reply.to);
    this.log.answer(waiting.number, at, mac);
    this.#end(waiting);
  }

  onClaim(): void {
    // Claims are no answers to connections.
  }

  sweep(now: number): void {
    for (const [port, attempt] of this.#byPort) {
      if (attempt.served === null || now - attempt.served < frameMs) continue;
      this.#byPort.delete(port);
      this.log.answer(attempt.number, attempt.served, unseen);
      this.#end(attempt);
    }
    for (const attempt of this.#attempts) {
      if (now - attempt.begun > this.patienceMs) this.#end(attempt);
    }
    for (const [port, { at }] of this.#frames) {
      if (now - at > this.patienceMs) this.#frames.delete(port);
    }
  }

  #end(attempt: Attempt): void {
    this.#attempts.delete(attempt);
    attempt.socket.destroy();
  }

  close(): void {
    for (const attempt of this.#attempts) this.#end(attempt);
  }
}

function hostHeader(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
