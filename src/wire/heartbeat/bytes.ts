/** Cursors over bytes in network order. Whole numbers are kept exact up to 2^53 - 1. */

const word = 2 ** 32;
const longestName = 255;

/** Throws RangeError on what cannot be written: a bug of the caller's, never input. */
export class ByteWriter {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(room: number) {
    this.#bytes = Buffer.alloc(room);
  }

  u8(value: number): void {
    this.#at = this.#bytes.writeUInt8(value, this.#at);
  }

  u16(value: number): void {
    this.#at = this.#bytes.writeUInt16BE(value, this.#at);
  }

  u32(value: number): void {
    this.#at = this.#bytes.writeUInt32BE(value, this.#at);
  }

  /** Eight bytes. */
  whole(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`heartbeat: ${String(value)} is not a whole number from 0 to 2^53 - 1`);
    }
    this.u32(Math.floor(value / word));
    this.u32(value % word);
  }

  /** A duration or an instant: eight bytes, IEEE 754. */
  ms(value: number): void {
    if (!Number.isFinite(value) || value < 0) {
      throw new RangeError(`heartbeat: ${String(value)} is neither an instant nor a duration`);
    }
    this.#at = this.#bytes.writeDoubleBE(value, this.#at);
  }

  /** UTF-8, its length before it in one byte. */
  name(text: string): void {
    const length = Buffer.byteLength(text);
    if (length === 0 || length > longestName) {
      throw new RangeError(`heartbeat: a node's name of ${String(length)} bytes`);
    }
    this.u8(length);
    this.#at += this.#bytes.write(text, this.#at);
  }

  raw(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** What was written, as bytes of their own. */
  take(): Uint8Array {
    return Uint8Array.prototype.slice.call(this.#bytes, 0, this.#at);
  }

  /** A view of what was written. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  reset(): void {
    this.#at = 0;
  }
}

/**
 * Never throws: what is not there, or is no such value, reads as 0 or '', and `ok` is false from
 * then on.
 */
export class ByteReader {
  ok = true;
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get at(): number {
    return this.#at;
  }

  u8(): number {
    const at = this.#take(1);
    return at < 0 ? 0 : this.#bytes.readUInt8(at);
  }

  u16(): number {
    const at = this.#take(2);
    return at < 0 ? 0 : this.#bytes.readUInt16BE(at);
  }

  whole(): number {
    const at = this.#take(8);
    if (at < 0) return 0;
    const value = this.#bytes.readUInt32BE(at) * word + this.#bytes.readUInt32BE(at + 4);
    return Number.isSafeInteger(value) ? value : this.#fail();
  }

  ms(): number {
    const at = this.#take(8);
    if (at < 0) return 0;
    const value = this.#bytes.readDoubleBE(at);
    return Number.isFinite(value) && value >= 0 ? value : this.#fail();
  }

  name(): string {
    const length = this.u8();
    const at = this.#take(length);
    if (at < 0) return '';
    const text = this.#bytes.toString('utf8', at, at + length);
    if (text === '' || text.includes('\ufffd')) this.ok = false;
    return text;
  }

  /** A part of so many bytes, of which a reader may know fewer: those behind are left out. */
  part(length: number): ByteReader {
    const at = this.#take(length);
    const part = new ByteReader(this.#bytes, at, at + length);
    part.ok = at >= 0;
    return part;
  }

  #take(length: number): number {
    const at = this.#at;
    if (!this.ok || at + length > this.#end) {
      this.ok = false;
      return -1;
    }
    this.#at += length;
    return at;
  }

  #fail(): number {
    this.ok = false;
    return 0;
  }
}
