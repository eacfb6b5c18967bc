/** What was asked for cannot be measured: names the thing, its value, and what would do. */
export class MeasureError extends Error {
  override readonly name = 'MeasureError';

  constructor(thing: string, value: string, why: string) {
    super(`${thing}: ${JSON.stringify(value)}: ${why}`);
  }
}
