import { type Version, isAtLeast } from '../version.ts';
import type { Keyword, Shape } from './shapes.ts';

/** The shape that a release gives a keyword. */
export function shapeFor(entry: Keyword, version: Version): Shape {
  return entry.later?.findLast(({ since }) => isAtLeast(version, since))?.shape ?? entry.shape;
}
