/** A promise that is settled from outside. */
export class Deferred<T> {
  readonly promise: Promise<T>;
  // The promise calls its executor before the constructor goes on, so both are set.
  resolve!: (value: T) => void;
  reject!: (reason: Error) => void;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}
