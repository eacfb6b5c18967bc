/** The agent's end of the channel to its supervisor, if it has one. */
import { startCanary } from '../../net/canary.ts';
import type { FromAgent, LastWords } from './messages.ts';
import { canaryVariable, supervisedVariable } from './messages.ts';

export interface SupervisorLink {
  /** Told again only if something is different. */
  lastWords(words: LastWords): void;
  ready(): void;
  /** All is in order, and the process ends. */
  leaving(): void;
  notify(text: string): void;
  /** The supervisor is gone. */
  onLost(listener: () => void): void;
  close(): void;
}

/** The supervisor hears of this process's death at once. Null, or why it hears of it later. */
export function announceDeath(env: Readonly<Record<string, string | undefined>>): Error | null {
  const fd = env[canaryVariable];
  return fd === undefined ? null : startCanary(Number(fd));
}

/** Null: the agent was started by someone else. */
export function supervisorLink(): SupervisorLink | null {
  const send = process.send?.bind(process);
  if (send === undefined || process.env[supervisedVariable] !== '1') return null;
  const tell = (message: FromAgent): void => {
    // A supervisor that is gone is noticed by `disconnect`.
    if (process.connected) send(message, undefined, undefined, () => undefined);
  };
  process.channel?.unref();
  let told = '';
  return {
    lastWords: (words) => {
      const text = JSON.stringify(words);
      if (text === told) return;
      told = text;
      tell({ kind: 'last-words', words });
    },
    ready: () => { tell({ kind: 'ready' }); },
    leaving: () => { tell({ kind: 'leaving' }); },
    notify: (text) => { tell({ kind: 'notify', text }); },
    onLost: (listener) => { process.once('disconnect', listener); },
    close: () => { process.removeAllListeners('disconnect'); },
  };
}
