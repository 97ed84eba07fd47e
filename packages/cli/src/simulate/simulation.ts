import { Random } from '../torture/random.js';
import type { Description, MessageSpec } from './description.js';
import { Device, type Publication } from './device.js';
import { DueQueue } from './due-queue.js';

/** What happens, in the time of the simulation: milliseconds since 1970. */
export type SimulationEvent = { readonly atMs: number; readonly device: number } & (
  | { readonly kind: 'publish'; readonly publication: Publication }
  /** The connection breaks, and comes back at `untilMs`. */
  | { readonly kind: 'cut'; readonly untilMs: number }
  | { readonly kind: 'return' }
);

type Due = { readonly device: number } & ({ readonly message: MessageSpec } | { readonly message: null });

/** FNV-1a, 32 bits. */
const HASH_START = 0x811c9dc5;
const HASH_FACTOR = 0x01000193;

/**
 * Devices, and what they do, event by event, without a network and without a clock. The same description, seed and start
 * give the same events; each device has random numbers of its own, so that others do not change what it does.
 */
export class Simulation {
  readonly devices: readonly Device[];
  readonly #randoms: readonly Random[];
  readonly #queue = new DueQueue<Due>();
  /** Devices whose connections are broken. */
  readonly #cut = new Set<number>();
  /** Events that come before what is due next. */
  #ready: SimulationEvent[] = [];

  constructor({ groups }: Description, seed: number, startMs: number) {
    const devices: Device[] = [];
    const randoms: Random[] = [];
    for (const group of groups) {
      for (let number = 1; number <= group.count; number++) {
        const random = new Random(hashOf(`${seed}/${group.name}/${number}`));
        const place = devices.length;
        devices.push(new Device(group, number, random, startMs));
        randoms.push(random);
        for (const message of group.messages) {
          if (message.everyMs === null) continue;
          // Not all of them at once.
          this.#queue.push(startMs + random.next() * message.everyMs, { device: place, message });
        }
      }
    }
    this.devices = devices;
    this.#randoms = randoms;
  }

  /** When the next event is; null: there is none. */
  get nextMs(): number | null {
    return this.#ready.length > 0 ? this.#ready[0].atMs : this.#queue.nextMs;
  }

  /** Events up to this time, in their order. */
  *until(endMs: number): Generator<SimulationEvent> {
    for (;;) {
      const { nextMs } = this;
      if (nextMs === null || nextMs > endMs) return;
      const ready = this.#ready.shift();
      if (ready !== undefined) yield ready;
      else this.#take(nextMs, this.#queue.pop());
    }
  }

  #take(atMs: number, due: Due): void {
    const { device, message } = due;
    if (message === null) {
      this.#cut.delete(device);
      this.#ready.push({ kind: 'return', atMs, device });
      return;
    }
    const random = this.#randoms[device];
    const { everyMs, jitterMs } = message;
    if (everyMs !== null) {
      const intervalMs = Math.max(1, everyMs + (random.next() * 2 - 1) * jitterMs);
      this.#queue.push(atMs + intervalMs, due);
    }
    this.#dropOut(atMs, device, random);
    const one = this.devices[device];
    // It moves and measures whether it is connected or not.
    const said = [
      ...one.move(atMs).flatMap(({ map, transition }) => one.transitionPublications(map, transition, atMs)),
      one.publication(message, atMs),
    ];
    if (this.#cut.has(device) && one.group.dropouts?.keepsMessages !== true) return;
    for (const publication of said) this.#ready.push({ kind: 'publish', atMs, device, publication });
  }

  #dropOut(atMs: number, device: number, random: Random): void {
    const { dropouts } = this.devices[device].group;
    if (dropouts === null || this.#cut.has(device) || !random.chance(dropouts.probability)) return;
    const [shortest, longest] = dropouts.forMs;
    const untilMs = atMs + shortest + (longest - shortest) * random.next();
    this.#cut.add(device);
    this.#ready.push({ kind: 'cut', atMs, device, untilMs });
    this.#queue.push(untilMs, { device, message: null });
  }
}

function hashOf(text: string): number {
  let hash = HASH_START;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), HASH_FACTOR);
  return hash >>> 0;
}
