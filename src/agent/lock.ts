/**
 * One agent per network namespace: they would share the fence. The lock is a listening socket in
 * the abstract namespace, which the kernel keeps per network namespace and gives back when the
 * process dies, however it dies. Whoever connects is told who holds it.
 */
import { connect, createServer } from 'node:net';
import type { Server } from 'node:net';

const agentAddress = '\0tenure/agent';
const askMs = 500;

export class LockedError extends Error {
  override readonly name = 'LockedError';
}

export async function lockNamespace(node: string): Promise<{ release(): void }> {
  return lock(node, agentAddress);
}

/** A witness has no fence, so there may be one beside an agent: but not two of one name. */
export async function lockWitness(node: string): Promise<{ release(): void }> {
  // unix(7): 107 bytes at most.
  return lock(node, `\0tenure/witness/${node.slice(0, 80)}`);
}

async function lock(node: string, address: string): Promise<{ release(): void }> {
  const server = createServer((socket) => {
    socket.on('error', () => { socket.destroy(); });
    socket.end(`${node} (process ${String(process.pid)})`);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') void refuse(address).then(reject);
      else reject(error);
    });
    server.listen(address, () => { resolve(); });
  });
  return { release: () => { close(server); } };
}

function close(server: Server): void {
  server.close();
  server.unref();
}

async function refuse(address: string): Promise<LockedError> {
  const holder = await ask(address);
  return new LockedError(
    `Another tenure agent runs in this network namespace${holder === null ? '' : `: ${holder}`}. `
    + 'One is enough for all its interfaces: stop that one first.',
  );
}

/** Who holds the lock; null if it does not say so in time (it may be stopped). */
function ask(address: string): Promise<string | null> {
  return new Promise((resolve) => {
    let said = '';
    const socket = connect(address);
    socket.setEncoding('utf8');
    socket.setTimeout(askMs, () => { socket.destroy(); });
    socket.on('data', (text: string) => { said = (said + text).slice(0, 200); });
    socket.on('error', () => { socket.destroy(); });
    socket.on('close', () => { resolve(said === '' ? null : said); });
  });
}
