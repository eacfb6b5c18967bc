/** /healthz, /readyz, /metrics, and /status without a store: for probes and graphs. Read only. */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';

export interface Health {
  readonly ok: boolean;
  /** One line for whoever asks why. */
  readonly text: string;
}

export interface HttpModules {
  /** The process does its work. */
  readonly healthy: () => Health;
  /** It has a tenure and knows what the store says. */
  readonly ready: () => Health;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
  /** For `tenure status` where no store tells; absent: a store does. */
  readonly status?: () => unknown;
}

export interface HttpAddress {
  readonly host: string;
  readonly port: number;
}

export interface HttpServer {
  /** As bound: the port that the kernel chose, where 0 was asked for. */
  readonly port: number;
  close(): void;
}

/** Resolves when it listens; rejects with the system's error (EADDRINUSE, EACCES, …). */
export async function startHttp(address: HttpAddress, modules: HttpModules): Promise<HttpServer> {
  const server = createServer({ requestTimeout: 5000 }, (request, response) => {
    answer(request, response, modules).catch(() => { response.destroy(); });
  });
  server.maxConnections = 100;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(address.port, address.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : address.port,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer(
  request: IncomingMessage, response: ServerResponse, modules: HttpModules,
): Promise<void> {
  const path = (request.url ?? '/').replace(/\?.*/, '');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return plain(response, 405, 'Only GET and HEAD.');
  }
  switch (path) {
    case '/healthz':
      return health(response, modules.healthy());
    case '/readyz':
      return health(response, modules.ready());
    case '/metrics': {
      const { contentType, text } = await modules.metrics();
      response.setHeader('content-type', contentType);
      response.end(text);
      return;
    }
    case '/status':
      if (modules.status === undefined) return plain(response, 404, 'The store has it: tenure status.');
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(modules.status()));
      return;
    default:
      return plain(response, 404, 'There are /healthz, /readyz and /metrics.');
  }
}

function health(response: ServerResponse, { ok, text }: Health): void {
  plain(response, ok ? 200 : 503, text);
}

function plain(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(`${text}\n`);
}
