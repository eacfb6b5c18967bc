/**
 * Requests to the kernel by netlink, and its events. Requests are synchronous: the kernel works
 * them off while they are sent, so when a call returns it has been done, and its answer is known.
 */
import { constants } from 'node:os';
import { loadAddon, systemError, type RawNetlinkSocket } from './addon.ts';
import { errnoName } from './errno.ts';
import {
  attributeMap, concat, decodeMessages, headerLength, littleEndian, messageBounds, NLM_F_ACK,
  NLM_F_ACK_TLVS, NLM_F_CAPPED, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR,
  NLMSG_NOOP, readText, readU32, viewOf, type NetlinkMessage,
} from './netlink-message.ts';

const protocols = { route: 0, netfilter: 12 } as const;

/** NLMSGERR_ATTR_MSG, NLMSGERR_ATTR_OFFS. */
const extackText = 1;
const extackOffset = 2;

/** How often a dump is repeated because the table changed meanwhile. */
const dumpTries = 16;

const defaultBuffer = 4 << 20;

const { EINTR, EPROTO } = constants.errno;

/** The kernel's "no" to a request. `code` is the errno's name, such as `ENOENT`. */
export class NetlinkError extends Error {
  readonly code: string;
  readonly errno: number;
  /** The kernel's own words (extended ack), where it has any. */
  readonly extack: string | null;
  /** Where in the message the fault is, in bytes from its header's start. */
  readonly offset: number | null;
  /** Which message of the request: 0 is the first. */
  readonly index: number;

  constructor(
    errno: number, index = 0, extack: string | null = null, offset: number | null = null,
  ) {
    const code = errnoName(errno);
    super(`netlink: the kernel answered ${code}${extack === null ? '' : `: ${extack}`}`);
    this.name = 'NetlinkError';
    this.code = code;
    this.errno = errno;
    this.extack = extack;
    this.offset = offset;
    this.index = index;
  }
}

export interface NetlinkSocketOptions {
  readonly protocol: keyof typeof protocols;
  /** Multicast groups by number (RTNLGRP_LINK is 1): the socket is then for events only. */
  readonly groups?: readonly number[];
  /** Room for replies and events, in bytes. Default 4 MiB. */
  readonly receiveBuffer?: number;
}

export class NetlinkSocket {
  readonly #raw: RawNetlinkSocket;
  readonly #isRoute: boolean;
  #seq = 0;

  /** Throws SystemError. */
  constructor({ protocol, groups, receiveBuffer = defaultBuffer }: NetlinkSocketOptions) {
    const addon = loadAddon();
    this.#isRoute = protocol === 'route';
    try {
      this.#raw = new addon.NetlinkSocket({
        protocol: protocols[protocol], receiveBuffer, sendBuffer: defaultBuffer,
        ...(groups === undefined ? {} : { groups }),
      });
    } catch (error) {
      throw systemError(error, `netlink socket (${protocol})`);
    }
  }

  /**
   * Sends one or many messages (end to end) in one system call and returns what the kernel answered
   * besides acks. Sequence numbers are given here; other fields are as the caller made them, but a
   * route request's last message asks for an ack. Throws the NetlinkError of the first message that
   * was refused (what a route socket refused has not undone the others; a netfilter batch has), or
   * SystemError if the kernel could not be asked.
   */
  transact(messages: Uint8Array): NetlinkMessage[] {
    const { replies, errors } = this.#exchange(messages, 0);
    const first = errors.find((error) => error !== null);
    if (first !== undefined) throw first;
    return replies;
  }

  /**
   * Sends messages that stand each for itself (route), and tells for each whether it was done:
   * null, or why not. `perCall` of them go out in one system call: few enough that the refusals of
   * all fit into the receive buffer.
   */
  transactEach(messages: readonly Uint8Array[], perCall = 512): (NetlinkError | null)[] {
    const results: (NetlinkError | null)[] = [];
    for (let at = 0; at < messages.length; at += perCall) {
      const parts = messages.slice(at, at + perCall);
      results.push(...this.#exchange(concat(parts), 0).errors);
    }
    return results;
  }

  /**
   * A dump: every object that the one message asks for. The flags for it are added. Repeated while
   * the table changes under it (NLM_F_DUMP_INTR); throws NetlinkError EINTR when that does not end.
   */
  dump(message: Uint8Array): NetlinkMessage[] {
    for (let tries = 0; tries < dumpTries; tries++) {
      const { replies, errors, done, interrupted } = this.#exchange(message, NLM_F_DUMP);
      const error = errors[0] ?? null;
      if (error !== null) throw error;
      if (done && !interrupted) return replies;
    }
    throw new NetlinkError(EINTR, 0, 'the table kept changing while it was read');
  }

  /**
   * Events of the groups. `onOverrun`: the kernel had no room for some of them, and what is known
   * by events must be asked for anew; messages from after the gap follow. To be called once.
   */
  subscribe(
    onMessages: (messages: readonly NetlinkMessage[]) => void, onOverrun: () => void,
  ): void {
    this.#raw.start((bytes, errno) => {
      if (errno !== 0) onOverrun();
      if (bytes.length > 0) onMessages(decodeMessages(bytes));
    });
  }

  /** Lets the process end though the socket is subscribed. */
  unref(): void {
    this.#raw.setRef(false);
  }

  close(): void {
    this.#raw.close();
  }

  #exchange(request: Uint8Array, addFlags: number): Exchange {
    const bytes = request.slice();
    const bounds = messageBounds(bytes);
    const view = viewOf(bytes);
    if (bounds.length === 0) throw new TypeError('netlink: the request holds no whole message');
    const first = this.#seq + 1;
    const wantsAck = this.#isRoute && addFlags === 0;
    bounds.forEach(({ start }, index) => {
      const ack = wantsAck && index === bounds.length - 1 ? NLM_F_ACK : 0;
      const flags = view.getUint16(start + 6, littleEndian) | NLM_F_REQUEST | addFlags | ack;
      view.setUint16(start + 6, flags, littleEndian);
      view.setUint32(start + 8, (first + index) >>> 0, littleEndian);
    });
    this.#seq = (this.#seq + bounds.length) % 0x7fffffff;
    let answer: Uint8Array;
    try {
      answer = this.#raw.exchange(bytes);
    } catch (error) {
      throw systemError(error, 'netlink request');
    }
    const exchange = sortReplies(decodeMessages(answer), first, bounds.length);
    if (wantsAck && !exchange.done) {
      exchange.errors[bounds.length - 1] ??= unanswered(bounds.length);
    }
    return exchange;
  }
}

interface Exchange {
  /** Without acks and ends of dumps. */
  readonly replies: NetlinkMessage[];
  /** For each message of the request: why it was refused, or null. */
  readonly errors: (NetlinkError | null)[];
  /** The last message was acknowledged, or its dump is complete. */
  readonly done: boolean;
  /** The table changed while it was dumped. */
  readonly interrupted: boolean;
}

function unanswered(count: number): NetlinkError {
  return new NetlinkError(EPROTO, count - 1, 'no acknowledgement came');
}

/** Tells answers to this request (by sequence number) from acks, errors and what else came. */
function sortReplies(messages: readonly NetlinkMessage[], first: number, count: number): Exchange {
  const replies: NetlinkMessage[] = [];
  const errors = new Array<NetlinkError | null>(count).fill(null);
  let done = false;
  let interrupted = false;
  for (const message of messages) {
    const index = message.seq - first;
    if (index < 0 || index >= count) continue;
    if ((message.flags & NLM_F_DUMP_INTR) !== 0) interrupted = true;
    if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) {
      errors[index] ??= refusal(message, index);
      if (index === count - 1) done = true;
    } else if (message.type !== NLMSG_NOOP) {
      replies.push(message);
    }
  }
  return { replies, errors, done, interrupted };
}

/** The error in an ack or at a dump's end; null if there is none. */
function refusal(message: NetlinkMessage, index: number): NetlinkError | null {
  const { type, flags, payload } = message;
  const errno = payload.length < 4 ? 0 : -viewOf(payload).getInt32(0, littleEndian);
  if (errno <= 0) return null;
  let extack = 4;
  if (type === NLMSG_ERROR) {
    // The request's header follows the errno, and the request itself unless it was cut.
    const requested = readU32(payload.subarray(4)) ?? headerLength;
    extack += (flags & NLM_F_CAPPED) === 0 ? (requested + 3) & ~3 : headerLength;
  }
  if ((flags & NLM_F_ACK_TLVS) === 0) return new NetlinkError(errno, index);
  const attributes = attributeMap(payload.subarray(extack));
  const offset = readU32(attributes.get(extackOffset));
  return new NetlinkError(errno, index, readText(attributes.get(extackText)), offset);
}
