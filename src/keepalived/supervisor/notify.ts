/**
 * keepalived's notify FIFO: a line for each change of state, at once. Lines are dropped when nobody
 * reads them fast enough, so that they are news, not the truth.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import type { VrrpState } from './types.ts';

export interface Notice {
  readonly instance: string;
  readonly state: VrrpState;
}

const states: Readonly<Record<string, VrrpState>> = {
  INIT: 'INIT', BACKUP: 'BACKUP', MASTER: 'MASTER', FAULT: 'FAULT', STOP: 'STOP', DELETED: 'STOP',
};

/** `INSTANCE "NAME" STATE PRIORITY`; null for groups, priorities and what else there may be. */
export function parseNotice(line: string): Notice | null {
  const match = /^INSTANCE "([^"]*)" ([A-Z_]+) \d+$/.exec(line);
  const state = states[match?.[2] ?? ''];
  return match && state ? { instance: match[1] ?? '', state } : null;
}

/** A line longer than this is none of keepalived's. */
const longestLine = 4096;

export class NotifyFifo {
  readonly #socket: Socket;
  #rest = '';

  /** The FIFO exists. Opened for both, so that it has no end when keepalived goes. */
  constructor(path: string, onNotice: (notice: Notice) => void) {
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    try {
      this.#socket = new Socket({ fd, readable: true, writable: false });
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    this.#socket.on('error', () => undefined);
    this.#socket.on('data', (data: Buffer) => {
      const lines = `${this.#rest}${data.toString('utf8')}`.split('\n');
      this.#rest = (lines.pop() ?? '').slice(-longestLine);
      for (const line of lines) {
        const notice = parseNotice(line);
        if (notice) onNotice(notice);
      }
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}
