/** What tcpdump makes of frames that we wrote. */
import { spawnSync } from 'node:child_process';

/** A pcap file (draft-ietf-opsawg-pcap), link type Ethernet. */
function pcapOf(frames: readonly Uint8Array[]): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(65_535, 16);
  header.writeUInt32LE(1, 20);
  const records = frames.flatMap((frame) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(frame.length, 8);
    record.writeUInt32LE(frame.length, 12);
    return [record, Buffer.from(frame)];
  });
  return Buffer.concat([header, ...records]);
}

/** Why tests of it are to be skipped; false if they are not. */
export const tcpdumpMissing = spawnSync('tcpdump', ['--version']).error === undefined
  ? false : 'tcpdump is not installed';

/** One line for each packet, with all details. */
export function tcpdumpOf(frames: readonly Uint8Array[]): string[] {
  const { stdout } = spawnSync('tcpdump', ['-r', '-', '-n', '-e', '-t', '-vv'], {
    input: pcapOf(frames), encoding: 'utf8', timeout: 30_000,
  });
  // Details of a packet are on lines of their own, indented.
  return stdout.replaceAll(/\n\s+/g, ' ').trim().split('\n');
}
