/** What is wrong with the keys under the prefix, for the operator; one finding per key. */
import type { Finding } from '../../core/model.ts';

/** More than so many say no more than so many do. */
const maxFindings = 100;

export class Findings {
  readonly #byKey = new Map<string, Finding>();
  #quiet = false;
  readonly #onChange: (findings: readonly Finding[]) => void;

  constructor(onChange: (findings: readonly Finding[]) => void) {
    this.#onChange = onChange;
  }

  unreadable(key: Buffer, consequence: string): void {
    const subject = key.toString();
    this.#add(subject, {
      code: 'store-record-unreadable', subject,
      text: `The value of the store's key ${subject} was not written by Tenure. ${consequence}`,
    });
  }

  foreign(key: Buffer): void {
    const subject = key.toString();
    this.#add(subject, {
      code: 'store-key-foreign', subject,
      text: `The store's key ${subject} is not Tenure's; it is left alone. Give Tenure a prefix `
        + 'of its own, or delete the key.',
    });
  }

  /** The key is as it should be, or gone. */
  fine(key: Buffer): void {
    if (this.#byKey.size > 0 && this.#byKey.delete(key.toString())) this.#tell();
  }

  /** Forgets all, lets `look` find what there is now, and then tells once. */
  anew<T>(look: () => T): T {
    const had = this.#byKey.size;
    this.#byKey.clear();
    this.#quiet = true;
    try {
      return look();
    } finally {
      this.#quiet = false;
      if (had + this.#byKey.size > 0) this.#tell();
    }
  }

  #add(key: string, finding: Finding): void {
    if (this.#byKey.has(key) || this.#byKey.size >= maxFindings) return;
    this.#byKey.set(key, finding);
    this.#tell();
  }

  #tell(): void {
    if (!this.#quiet) this.#onChange([...this.#byKey.values()]);
  }
}
