/** The two ends of the talk between a test and a helper process in a namespace of its lab. */
import { LabError } from './command.ts';
import type { LabProcess } from './process.ts';

interface Request {
  readonly id: number;
  readonly method: string;
  readonly argument: unknown;
}

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** What a helper offers: methods of one argument. The names are the protocol. */
export type Methods = Readonly<Record<string, (argument: never) => unknown>>;

/** In the helper: answers requests until the test process is gone, then exits. */
export function serve(methods: Methods): void {
  const answer = (reply: Answer): void => {
    process.send?.(reply);
  };
  process.on('message', (request: Request) => {
    const method = methods[request.method] as ((argument: unknown) => unknown) | undefined;
    if (method === undefined) {
      answer({ id: request.id, error: `no method ${request.method}` });
      return;
    }
    // Called now, not in a later turn: what a method measures is the moment of the request.
    new Promise((resolve) => resolve(method(request.argument))).then(
      (result) => answer({ id: request.id, result }),
      (error: unknown) => answer({ id: request.id, error: String(error) }),
    );
  });
  process.on('disconnect', () => process.exit(0));
  answer({ id: 0 });
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** In the test: calls the methods of a helper. */
export class Helper {
  readonly process: LabProcess;
  readonly ready: Promise<void>;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  constructor(helper: LabProcess) {
    this.process = helper;
    this.ready = this.#wait(0, 'start').then(() => undefined);
    helper.child.on('message', (answer: Answer) => {
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if (answer.error === undefined) waiting?.resolve(answer.result);
      else waiting?.reject(new LabError(`${helper.name}: ${answer.error}`));
    });
    void helper.exited.then(() => {
      for (const waiting of this.#waiting.values()) {
        waiting.reject(new LabError(`${helper.name} ended:\n${helper.tail()}`));
      }
      this.#waiting.clear();
    });
    // Who asks for `ready` learns of a failure; who never does is not to be ended by it.
    this.ready.catch(() => undefined);
  }

  async call(method: string, argument?: unknown): Promise<unknown> {
    this.process.mustRun();
    this.#lastId += 1;
    const answer = this.#wait(this.#lastId, method);
    this.process.child.send({ id: this.#lastId, method, argument } satisfies Request);
    return answer;
  }

  async #wait(id: number, what: string): Promise<unknown> {
    let timer: NodeJS.Timeout | undefined;
    return new Promise((resolve, reject) => {
      timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new LabError(`${this.process.name}: no answer to ${what} in 20 s`));
      }, 20_000);
      this.#waiting.set(id, { resolve, reject });
    }).finally(() => clearTimeout(timer));
  }
}
