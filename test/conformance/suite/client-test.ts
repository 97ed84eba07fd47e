import { Trace } from '../raw/trace.js';
import type { Level } from '../statements/index.js';

/** What a test of packages/client works with. Everything it opens is closed when it ends. */
export class ClientTest {
  readonly level: Level;
  readonly trace = new Trace();

  constructor(level: Level) {
    this.level = level;
  }

  /** Called when the test is over. */
  async close(): Promise<void> {}
}
