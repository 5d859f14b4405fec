/**
 * A number of places, taken first come, first served: the connections of one process, shared by all its steps.
 */
export class Slots {
  readonly size: number;
  #taken = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(size: number) {
    this.size = size;
  }

  /** Resolves once a place is ours; give it back with `release`. */
  take(): Promise<void> | void {
    if (this.#taken < this.size) {
      this.#taken += 1;
      return;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken -= 1;
    else next();
  }
}
