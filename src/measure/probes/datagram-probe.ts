/** UDP echo and ICMP echo: a number goes out, and the same number is to come back. */
import { realtimeMs } from '../../net/clock.ts';
import { DatagramSocket } from '../../net/datagram-socket.ts';
import { addressToBytes, type Address } from '../../wire/address.ts';
import { decodeEchoReply, encodeEcho, payloadOfIpv4 } from '../../wire/icmp-echo.ts';
import type { HeardReply } from '../ears.ts';
import { ProbeLog } from '../probe-log.ts';
import { numberLength } from '../read-reply.ts';
import { probeName, Refusals, unseen, type Probe, type ProbeSpec } from './probe.ts';

/** Answers that came by the socket while the ears heard none, before the ears are given up. */
const deafAfter = 50;

export class DatagramProbe implements Probe {
  readonly name: string;
  readonly rate: number;
  readonly log = new ProbeLog(2 ** 18);
  readonly patienceMs = 250;
  readonly timestamps = 'kernel';
  readonly refusals = new Refusals();
  readonly #spec: ProbeSpec;
  readonly #address: Address;
  readonly #socket: DatagramSocket;
  readonly #identifier: number;
  /** Frames tell who answered, so they count and the socket's packets do not. */
  #byFrames: boolean;
  #heardBySocket = 0;
  #heardByFrames = 0;

  /** `seen`: whether frames of the address are heard. Throws SystemError (EACCES, ENETUNREACH). */
  constructor(spec: ProbeSpec, address: Address, seen: boolean) {
    this.name = probeName(spec);
    this.rate = spec.rate;
    this.#spec = spec;
    this.#address = address;
    this.#byFrames = seen;
    this.#socket = new DatagramSocket({
      protocol: spec.kind === 'udp' ? 'udp' : 'icmp', address: addressToBytes(address),
      ...(spec.port === null ? {} : { port: spec.port }),
    });
    const { isRaw, localPort } = this.#socket;
    this.#identifier = isRaw ? 1 + Math.floor(Math.random() * 0xffff) : localPort;
    this.#socket.receive(
      ({ bytes, at }) => { this.#onPacket(bytes, at); },
      (code) => { this.refusals.count(code); },
    );
  }

  send(): void {
    const number = this.log.send(realtimeMs());
    const error = this.#socket.send(this.#packet(number));
    if (error !== null) this.refusals.count(error);
  }

  #packet(number: number): Uint8Array {
    const { family } = this.#address;
    if (this.#spec.kind === 'icmp') return encodeEcho(family, this.#identifier, number);
    const bytes = new Uint8Array(numberLength);
    new DataView(bytes.buffer).setUint32(0, number);
    return bytes;
  }

  onReply({ at, mac, reply }: HeardReply): void {
    if (!this.#byFrames || reply.kind === 'tcp' || reply.kind !== this.#spec.kind) return;
    const ours = reply.kind === 'icmp'
      ? reply.identifier === this.#identifier
      : reply.port === this.#spec.port && reply.to === this.#socket.localPort;
    if (!ours) return;
    this.#heardByFrames += 1;
    this.log.answer(reply.number, at, mac);
  }

  #onPacket(bytes: Uint8Array, at: number): void {
    const number = this.#numberIn(bytes);
    if (number === null) return;
    if (this.#byFrames) {
      // Answers come in by another interface than the one that leads there.
      this.#heardBySocket += 1;
      if (this.#heardByFrames > 0 || this.#heardBySocket < deafAfter) return;
      this.#byFrames = false;
    }
    this.log.answer(number, at, unseen);
  }

  #numberIn(bytes: Uint8Array): number | null {
    if (this.#spec.kind === 'udp') {
      if (bytes.length < numberLength) return null;
      return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
    }
    const { family } = this.#address;
    const message = this.#socket.isRaw && family === 4 ? payloadOfIpv4(bytes) : bytes;
    const echo = message === null ? null : decodeEchoReply(family, message);
    return echo?.identifier === this.#identifier ? echo.number : null;
  }

  onClaim(): void {
    // Claims are no answers to packets.
  }

  sweep(): void {
    // A question that is not answered costs nothing.
  }

  close(): void {
    this.#socket.close();
  }
}
