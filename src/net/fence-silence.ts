/** Closing the gate of a fence whose agent is gone: this host claims nothing after that. */
import { fenceError } from './fence-error.ts';
import { generation, tablesPresent, type Requests } from './fence-kernel.ts';
import { closing, fenceTables } from './fence-layout.ts';
import { NetlinkError, NetlinkSocket } from './netlink-socket.ts';
import { batch } from './nftables/messages.ts';

/** Closes the gates of tables that an earlier run left. */
export function silence(netlink: Requests): void {
  for (const table of tablesPresent(netlink)) {
    try {
      netlink.transact(batch(closing(table)));
    } catch (error) {
      // No gate: then it is not a fence's table, or one that was damaged. `manage` replaces it.
      if (!(error instanceof NetlinkError && error.code === 'ENOENT')) throw error;
    }
  }
}

export interface GateCloser {
  /** In force on return. Throws FenceError if the kernel refuses. */
  closeGate(): void;
  /** Does all of it but the closing: what is done for the first time takes some ms longer. */
  rehearse(): void;
  close(): void;
}

/** Opens its socket now, so that nothing stands in the way when it is needed. Throws FenceError. */
export function openGateCloser(): GateCloser {
  let netlink: NetlinkSocket;
  try {
    netlink = new NetlinkSocket({ protocol: 'netfilter' });
  } catch (error) {
    throw fenceError(error, 'opening it');
  }
  return {
    closeGate: () => {
      try {
        silence(netlink);
      } catch (error) {
        throw fenceError(error, 'closing the gate of an agent that died');
      }
    },
    rehearse: () => {
      try {
        tablesPresent(netlink);
        for (const { ref } of Object.values(fenceTables).flat()) batch(closing(ref));
        generation(netlink);
      } catch (error) {
        throw fenceError(error, 'looking at the gate');
      }
    },
    close: () => { netlink.close(); },
  };
}
