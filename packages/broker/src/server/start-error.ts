/** Why a broker could not start, or could not take over a configuration, in words for the person who asked for it. */
export class StartError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StartError';
  }
}
