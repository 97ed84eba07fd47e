/** What is wrong with a file about users or rights, all of it, ready to be shown. */
export class AccessFileError extends Error {
  override readonly name = 'AccessFileError';
  /** Each `FILE:LINE: what is wrong, and what to do`, without secrets. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(problems.join('\n'), options);
    this.problems = problems;
  }
}
