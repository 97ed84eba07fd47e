/** The load cannot be made. The message is for the person. */
export class BenchFailure extends Error {
  override readonly name = 'BenchFailure';
}
