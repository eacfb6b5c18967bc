/** The kernel as the wire thread uses it: the announcer's ports. */
import { userInfo } from 'node:os';
import type { AnnouncerPorts } from '../announce/ports.ts';
import type { AgentConfig } from '../config/agent-config.ts';
import { AddressBinder } from '../net/binder.ts';
import { boottimeMs } from '../net/clock.ts';
import { openFence } from '../net/fence.ts';
import { FrameSockets } from '../net/frame-sockets.ts';
import { SolicitedNodeGroups } from '../net/groups.ts';
import { Interfaces } from '../net/interfaces.ts';
import { ownName } from '../net/own-address.ts';

/** SO_MARK of the agent's frames: "TN". Shown by `nft list table netdev tenure`. */
export const agentMark = 0x544e;

export interface Kernel {
  readonly ports: AnnouncerPorts;
  /** Why the fence is the fallback; null if it is the real one. */
  readonly fenceReason: string | null;
  close(): void;
}

export class KernelError extends Error {
  override readonly name = 'KernelError';
}

/** Throws KernelError. */
export function openKernel(
  fence: AgentConfig['fence'], onTrouble: (what: string, text: string) => void,
): Kernel {
  const closers: { close(): void }[] = [];
  try {
    const interfaces = opened(new Interfaces({
      onTrouble: (text) => { onTrouble('interfaces', text); },
    }));
    const wall = openFence({
      mark: agentMark,
      ownName: (ifindex, version, isManaged) => ownName(interfaces, ifindex, version, isManaged),
      ...(fence === 'auto' ? {} : { only: fence }),
      onRepaired: (text) => { onTrouble('fence', text); },
      onBroken: (error) => { onTrouble('fence', `The fence cannot be repaired: ${textOf(error)}`); },
    });
    closers.push({ close: () => { wall.dispose(); } });
    interfaces.onChange(({ links, subnets }) => {
      if (links.length + subnets.size === 0) return;
      try {
        wall.lookAgain();
      } catch (error) {
        onTrouble('fence', textOf(error));
      }
    });
    const binder = opened(new AddressBinder({
      onTrouble: (text) => { onTrouble('binder', text); },
      look: (ifindex, address, length) => interfaces.address(ifindex, address, length),
    }));
    const groups = opened(new SolicitedNodeGroups({
      onTrouble: (text) => { onTrouble('groups', text); },
    }));
    return {
      ports: {
        sockets: new FrameSockets({ mark: agentMark }), fence: wall, binder, groups,
        now: boottimeMs, setTimer,
      },
      fenceReason: wall.detected.reason,
      close: () => { for (const each of closers) each.close(); },
    };
  } catch (error) {
    for (const each of closers) each.close();
    throw explained(error);
  }

  function opened<T extends { close(): void }>(what: T): T {
    closers.push(what);
    return what;
  }
}

/** What could not be opened, told to whoever started the agent. */
export function explained(error: unknown): KernelError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EPERM' || code === 'EACCES') {
    return new KernelError(
      `The kernel refuses the agent's sockets to user ${userInfo().username}: run it as root, or `
      + 'with the capabilities CAP_NET_ADMIN and CAP_NET_RAW (manifests/systemd has both).',
      { cause: error },
    );
  }
  return new KernelError(textOf(error), { cause: error });
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function setTimer(delayMs: number, run: () => void): { clear(): void } {
  const timer = setTimeout(run, delayMs);
  return { clear: () => { clearTimeout(timer); } };
}
