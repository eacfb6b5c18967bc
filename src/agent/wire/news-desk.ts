/**
 * What happened, for the main thread: told once a turn of the loop, all of it together. It is kept
 * back while the main thread is silent, so that nothing grows without bound.
 */
import type { News } from './messages.ts';

const mostWaiting = 20_000;

export class NewsDesk {
  readonly #post: (news: readonly News[]) => void;
  #waiting: News[] = [];
  #lost = 0;
  #due: NodeJS.Immediate | undefined;
  #held = false;

  constructor(post: (news: readonly News[]) => void) {
    this.#post = post;
  }

  tell(news: News): void {
    if (this.#waiting.length >= mostWaiting) this.#lost += 1;
    else this.#waiting.push(news);
    this.touch();
  }

  /** Something is different, though there is nothing to tell: the standing goes with every post. */
  touch(): void {
    if (!this.#held) this.#due ??= setImmediate(() => { this.flush(); });
  }

  hold(held: boolean): void {
    this.#held = held;
    if (!held) this.touch();
  }

  flush(): void {
    clearImmediate(this.#due);
    this.#due = undefined;
    const news = this.#waiting;
    this.#waiting = [];
    if (this.#lost > 0) news.push({ kind: 'lost', count: this.#lost });
    this.#lost = 0;
    this.#post(news);
  }
}
