/** What is used of the package raw-socket, which brings no types. */
declare module 'raw-socket' {
  export const AddressFamily: { readonly IPv4: 1; readonly IPv6: 2 };

  export interface Socket {
    setOption(level: number, option: number, value: Buffer, length: number): void;
    /** `source` is the sender's address; over IPv4 the IP header comes first in the buffer. */
    on(event: 'message', listener: (buffer: Buffer, source: string) => void): void;
    on(event: 'error', listener: (error: Error) => void): void;
    close(): void;
  }

  export function createSocket(options: {
    protocol: number; addressFamily: 1 | 2; bufferSize?: number;
  }): Socket;
}
