/** A range of so many EIPs in a lab's LAN, as an Eip's `spec.address`. At most 20,000. */
export function eipRange(count: number): string {
  const last = count - 1;
  return `10.88.16.0-10.88.${16 + Math.floor(last / 256)}.${last % 256}`;
}
