/**
 * The service manager's protocol, sd_notify(3): datagrams to the socket that NOTIFY_SOCKET names,
 * and a sign of life if WATCHDOG_USEC asks for one. Without a service manager nothing is sent.
 */
import { loadAddon } from '../net/addon.ts';

export interface ServiceManagerModules {
  /** Sends a datagram to a unix socket: an errno, or 0. */
  readonly send: (path: string, bytes: Uint8Array) => number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export class ServiceManager {
  readonly #socket: string | null;
  readonly #send: ServiceManagerModules['send'];
  readonly #watchdog: NodeJS.Timeout | null = null;
  #told = false;
  #status = '';

  /** Begins with the signs of life at once: they say that the main thread turns. */
  constructor(modules: Partial<ServiceManagerModules> = {}) {
    const env = modules.env ?? process.env;
    const path = env.NOTIFY_SOCKET ?? '';
    // sd_notify(3): a path, or "@" and an abstract name. What else there may be is not for us.
    this.#socket = path.startsWith('/') || path.startsWith('@') ? path : null;
    this.#send = modules.send ?? ((to, bytes) => loadAddon().unixDatagramSend(to, bytes));
    const interval = this.#socket === null ? null : watchdogInterval(env);
    if (interval !== null) {
      this.#notify('WATCHDOG=1');
      this.#watchdog = setInterval(() => { this.#notify('WATCHDOG=1'); }, interval).unref();
    }
  }

  /** The agent is up: what waits for the service may start. Later calls change the status alone. */
  ready(status: string): void {
    if (this.#told) {
      this.status(status);
      return;
    }
    this.#told = true;
    this.#status = status;
    this.#notify(`READY=1\nSTATUS=${oneLine(status)}`);
  }

  /** One line that `systemctl status` shows. */
  status(text: string): void {
    if (text === this.#status) return;
    this.#status = text;
    this.#notify(`STATUS=${oneLine(text)}`);
  }

  /** A planned stop has begun; signs of life go on until `close`. */
  stopping(): void {
    this.#notify('STOPPING=1\nSTATUS=handing over');
  }

  close(): void {
    if (this.#watchdog !== null) clearInterval(this.#watchdog);
  }

  /** A failure is the manager's to notice: it asked to be told. */
  #notify(text: string): void {
    if (this.#socket !== null) this.#send(this.#socket, Buffer.from(text));
  }
}

/** A third of what the manager waits; null if it does not, or means another process. */
export function watchdogInterval(env: ServiceManagerModules['env']): number | null {
  const { WATCHDOG_USEC: usec = '', WATCHDOG_PID: pid = '' } = env;
  if (!/^[1-9][0-9]{0,14}$/.test(usec) || (pid !== '' && pid !== String(process.pid))) return null;
  return Math.min(2_147_483_647, Math.max(10, Number(usec) / 3000));
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
