/** The kernel's fence of virtual routers, where it is to be had. */
import type { Logger } from 'pino';
import type { AgentConfig } from '../../config/agent-config.ts';
import { openVrrpFence } from '../../net/vrrp-fence.ts';
import type { RouterFence } from './router-fence.ts';

/** Null: what this kernel has does not suffice, or it is not wanted. */
export function openRouterFence(fence: AgentConfig['fence'], log: Logger): RouterFence | null {
  if (fence === 'arp') return null;
  const opened = openVrrpFence({
    onRepair: (text, error) => {
      if (error === null) log.warn({ text }, 'kernel');
      else log.error({ text, error }, 'kernel');
    },
  });
  if (!('error' in opened)) return opened;
  log.warn({ reason: opened.error }, 'virtual routers have no fence: a hung keepalived is ended by its '
    + 'supervisor alone');
  return null;
}
