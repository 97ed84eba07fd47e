import { LoadAverages } from './load-averages.js';
import { SYS_LOADS, SYS_PREFIX, SYS_VALUES, type SysState } from './sys-values.js';

/** A topic and what is to be published in it. */
export type SysMessage = readonly [topic: string, text: string];

/** What stands in the `$SYS` topics of a broker, and so what has changed. It knows no clock and publishes nothing. */
export class SysTree {
  readonly #texts = new Map<string, string>();
  readonly #loads: readonly LoadAverages[];
  readonly #version: string;
  #uptimeS: number;

  /** `begun`: the state from which on is counted what a load is. `version`: what the broker calls itself. */
  constructor(version: string, begun: SysState) {
    this.#version = version;
    this.#uptimeS = begun.uptimeS;
    this.#loads = SYS_LOADS.map(({ read }) => new LoadAverages(read(begun.counters)));
  }

  /** All that has been published so far. */
  get topics(): Iterable<string> {
    return this.#texts.keys();
  }

  /** What is to be published now: all that differs from what was published before. The first time, that is all. */
  update(state: SysState): SysMessage[] {
    const elapsedS = state.uptimeS - this.#uptimeS;
    this.#uptimeS = state.uptimeS;
    for (const [i, { read }] of SYS_LOADS.entries()) this.#loads[i].update(read(state.counters), elapsedS);
    const changed: SysMessage[] = [];
    for (const message of this.#messages(state)) {
      const [topic, text] = message;
      if (this.#texts.get(topic) === text) continue;
      this.#texts.set(topic, text);
      changed.push(message);
    }
    return changed;
  }

  *#messages(state: SysState): Generator<SysMessage> {
    yield [`${SYS_PREFIX}version`, this.#version];
    yield [`${SYS_PREFIX}uptime`, `${Math.floor(state.uptimeS)} seconds`];
    for (const [i, { name }] of SYS_LOADS.entries()) {
      for (const [minutes, text] of this.#loads[i].texts()) yield [`${SYS_PREFIX}load/${name}/${minutes}`, text];
    }
    for (const { topics, read } of SYS_VALUES) {
      const text = String(read(state));
      for (const topic of topics) yield [`${SYS_PREFIX}${topic}`, text];
    }
  }
}
