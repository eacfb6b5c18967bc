/** Values and changes of frames that several tests of codecs share. */
import fc from 'fast-check';
import { formatBytes } from '../../../src/wire/address.ts';
import { readMac } from '../../../src/wire/ethernet.ts';

export const anyMac = fc.uint8Array({ minLength: 6, maxLength: 6 })
  .map((bytes) => readMac(bytes, 0));

export const anyStationMac = fc.uint8Array({ minLength: 6, maxLength: 6 }).map((bytes) => {
  bytes[0] = (bytes[0] ?? 0) & 0xfe;
  return readMac(bytes, 0);
});

export const anyIpv4 = fc.uint8Array({ minLength: 4, maxLength: 4 }).map(formatBytes);

/** Unicast. */
export const anyIpv6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => {
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  bytes[15] = (bytes[15] ?? 0) | 1;
  return formatBytes(bytes);
});

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** The frame with an 802.1Q tag put in. */
export function tagged(frame: Uint8Array, vlan: number): Uint8Array {
  const bytes = new Uint8Array(frame.length + 4);
  bytes.set(frame.subarray(0, 12));
  bytes.set([0x81, 0x00, 0xe0 | vlan >> 8, vlan & 0xff], 12);
  bytes.set(frame.subarray(12), 16);
  return bytes;
}
