import type { Level, Side } from './statements/index.js';

/** A statement that nothing outside of the side it binds can see obeyed or broken. */
export interface Untestable {
  readonly level: Level;
  readonly id: string;
  readonly side: Side;
  readonly reason: string;
}

export const UNTESTABLE: readonly Untestable[] = [];
