/**
 * The keys of heartbeats, followed as they are replaced: looked at again every few seconds (a
 * mounted Secret is swapped as a whole, which file events do not tell reliably) and when asked to.
 * A file that is no good changes nothing, and is reported.
 */
import { readKeyFile } from '../config/heartbeat-keys.ts';
import type { ReadFile } from '../config/read-file.ts';

const lookEveryMs = 5000;

export interface KeyFileOptions {
  readonly path: string;
  readonly onKeys: (keys: readonly string[]) => void;
  /** What is wrong with the file, after its name; null: nothing any more. */
  readonly onTrouble: (text: string | null) => void;
}

export class KeyFile {
  readonly #options: KeyFileOptions;
  readonly #readFile: ReadFile;
  #keys: readonly string[] = [];
  #trouble: string | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: KeyFileOptions, modules: { readonly readFile: ReadFile }) {
    this.#options = options;
    this.#readFile = modules.readFile;
  }

  /** As last found good. */
  get keys(): readonly string[] {
    return this.#keys;
  }

  start(): void {
    this.look();
    this.#timer = setInterval(() => { this.look(); }, lookEveryMs);
  }

  look(): void {
    const { path, onKeys, onTrouble } = this.#options;
    const read = readKeyFile(path, this.#readFile);
    const trouble = 'error' in read ? read.error : null;
    if (trouble !== this.#trouble) onTrouble(trouble);
    this.#trouble = trouble;
    if ('error' in read || read.value.join('\n') === this.#keys.join('\n')) return;
    this.#keys = read.value;
    onKeys(read.value);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
