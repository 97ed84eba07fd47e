/** Why a broker could not start, or could not take over a configuration, in words for the person who asked for it. */
export class StartError extends Error {
  /** One for each thing that is wrong; together they are the message, a line each. */
  readonly problems: readonly string[];

  constructor(problems: string | readonly string[], options?: ErrorOptions) {
    const all = typeof problems === 'string' ? [problems] : problems;
    super(all.join('\n'), options);
    this.name = 'StartError';
    this.problems = all;
  }
}
