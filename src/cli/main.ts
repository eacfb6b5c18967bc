#!/usr/bin/env -S node --expose-gc --max-semi-space-size=16 --single-threaded-gc --no-flush-bytecode
/**
 * The program's entry: standard streams, environment, exit code. The young generation is large
 * enough for a mass move, and made small again afterwards (agent/tidy-heap.ts). Helper threads for
 * so small a heap cost more than they save; and those of the wire thread, which may be above all
 * others in rank, would not be. What was compiled stays: the next takeover may be months away.
 */
import { hostname, setPriority } from 'node:os';
import { decodeText, readFile } from '../config/read-file.ts';
import type { FileRead } from '../config/read-file.ts';
import type { Output } from './context.ts';
import { openStore } from './open-store.ts';
import { run } from './program.ts';

const largestInput = 16 * 1024 * 1024;
/** Enough to come after whatever else has something to do. */
const patientNiceness = 10;

async function readStdin(): Promise<FileRead> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > largestInput) return { kind: 'unreadable', why: 'is larger than 16 MiB.' };
  }
  return decodeText(Buffer.concat(chunks));
}

function output(stream: NodeJS.WriteStream): Output {
  // A reader that has seen enough ("tenure get eips | head") is no error.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 0 : 1);
  });
  const plain = (process.env.NO_COLOR ?? '') !== '' || process.env.TERM === 'dumb';
  return {
    write: (text) => void stream.write(text),
    colours: stream.isTTY && !plain,
  };
}

const exitCode = await run(process.argv.slice(2), {
  env: process.env,
  stdout: output(process.stdout),
  stderr: output(process.stderr),
  readFile,
  readStdin,
  hostName: hostname(),
  now: () => Date.now(),
  bePatient: () => {
    try {
      setPriority(patientNiceness);
    } catch {
      // Then it is in their way.
    }
  },
  openStore,
});

// What is still open by now (a connection that takes its time to close) is not worth waiting for,
// but what was printed is: a pipe or socket with a slow reader takes it bit by bit.
await Promise.all([process.stdout, process.stderr].map((stream) => (
  new Promise<void>((resolve) => { stream.write('', () => { resolve(); }); })
)));
process.exit(exitCode);
