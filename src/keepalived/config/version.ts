/**
 * Versions of keepalived. The facts in the keyword table reach from 2.1.0 (January 2020)
 * to 2.4.3; they were taken from the source of each release.
 */

/** Major, minor and patch number of a release. */
export type Version = readonly [major: number, minor: number, patch: number];

/** The oldest release whose parser the table describes. */
export const oldestVersion: Version = [2, 1, 0];

/** The newest release whose parser the table describes. Later ones are taken to be like it. */
export const newestVersion: Version = [2, 4, 3];

/**
 * Reads a version as people and packages write it: `2.2.7`, `v2.2.7`, `1:2.2.7-1+b2`, or the
 * first line of `keepalived --version`. Undefined if there is none in the text.
 */
export function parseVersion(text: string): Version | undefined {
  const match = /(?<![\d.])v?(\d{1,4})\.(\d{1,4})\.(\d{1,4})(?![\d.])/.exec(text);
  return match ? [Number(match[1]), Number(match[2]), Number(match[3])] : undefined;
}

/** The usual spelling: `2.2.7`. */
export function formatVersion(version: Version): string {
  return version.join('.');
}

/** Negative, zero or positive, as for sorting. */
export function compareVersions(a: Version, b: Version): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

/** Whether `version` is `wanted` or later; `wanted` is a release's name, such as `2.2.8`. */
export function isAtLeast(version: Version, wanted: string): boolean {
  const parsed = parseVersion(wanted);
  if (!parsed) throw new RangeError(`"${wanted}" is not a version; write it as 2.2.7`);
  return compareVersions(version, parsed) >= 0;
}
