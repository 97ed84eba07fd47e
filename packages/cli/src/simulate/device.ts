import type { QoS } from '@cauldron/codec';
import type { Group, MessageSpec, Payload, PublishSpec } from './description.js';
import { MapWalk, type RandomSource, type Transition } from './map-walk.js';
import { fill, fillTyped, type Scalar, type Template } from './template.js';
import { type ValueSource, valueSource } from './value-source.js';

/** What is published. */
export interface Publication {
  readonly topic: string;
  readonly payload: string;
  readonly qos: QoS;
  readonly retain: boolean;
}

/** One device: who it is, and what it says when it is asked. */
export class Device {
  readonly group: Group;
  readonly id: string;
  readonly username: string | null;
  readonly password: string | null;
  /** What the broker says when the connection breaks. */
  readonly will: Publication | null;
  /** What is published whenever it connects. */
  readonly birth: Publication | null;
  readonly #builtIn: ReadonlyMap<string, Scalar>;
  readonly #sources = new Map<string, ValueSource>();
  readonly #maps = new Map<string, MapWalk>();

  /** @param number of the device in its group, from 1 */
  constructor(group: Group, number: number, random: RandomSource, startMs: number) {
    this.group = group;
    this.id = idOf(group.id, group.name, number);
    // As OwnTracks has it: two characters that stand for the device on a map.
    const tid = this.id.slice(-2);
    this.#builtIn = new Map<string, Scalar>(Object.entries({ id: this.id, n: number, group: group.name, tid }));
    const builtIn = (place: string): Scalar => this.#builtIn.get(place) ?? null;
    this.username = group.username === null ? null : fill(group.username, builtIn);
    this.password = group.password === null ? null : fill(group.password, builtIn);
    for (const [value, spec] of group.values) {
      if (spec.kind === 'map') this.#maps.set(value, new MapWalk(spec, random, startMs));
      else this.#sources.set(value, valueSource(spec, random, startMs));
    }
    this.will = group.will === null ? null : this.publication(group.will, startMs);
    this.birth = group.birth === null ? null : this.publication(group.birth, startMs);
  }

  /** Lets it move. @returns by map, what regions were entered and left */
  move(nowMs: number): { readonly map: string; readonly transition: Transition }[] {
    return Array.from(this.#maps, ([map, walk]) =>
      walk.moveTo(nowMs).map((transition) => ({ map, transition })),
    ).flat();
  }

  /** What a message says now. A value that stands in it several times is the same each time. */
  publication(spec: PublishSpec, nowMs: number): Publication {
    const known = new Map<string, Scalar>();
    const lookUp = (place: string): Scalar => {
      const earlier = known.get(place) ?? this.#builtIn.get(place);
      if (earlier !== undefined || known.has(place)) return earlier ?? null;
      const value = this.#valueAt(place, nowMs);
      known.set(place, value);
      return value;
    };
    const { topic, payload, qos, retain } = spec;
    return { topic: fill(topic, lookUp), payload: payloadText(payload, lookUp), qos, retain };
  }

  /** What messages about a transition say. */
  transitionPublications(map: string, transition: Transition, nowMs: number): Publication[] {
    const specs = this.group.messages.filter(({ on }) => on === map);
    if (specs.length > 0) this.#maps.get(map)?.tell(transition);
    return specs.map((spec: MessageSpec) => this.publication(spec, nowMs));
  }

  #valueAt(place: string, nowMs: number): Scalar {
    const dot = place.indexOf('.');
    if (dot >= 0) return this.#maps.get(place.slice(0, dot))?.field(place.slice(dot + 1)) ?? null;
    return this.#sources.get(place)?.(nowMs) ?? null;
  }
}

/** @param number of the device in its group, from 1 */
export function idOf(template: Template, group: string, number: number): string {
  return fill(template, (place) => (place === 'n' ? number : group));
}

/** A text that stands alone is not JSON: it is the payload as it is. */
function payloadText(payload: Payload, lookUp: (place: string) => Scalar): string {
  if (isTemplate(payload)) return fill(payload, lookUp);
  return JSON.stringify(jsonOf(payload, lookUp));
}

function jsonOf(payload: Payload, lookUp: (place: string) => Scalar): unknown {
  if (payload === null || typeof payload === 'number' || typeof payload === 'boolean') return payload;
  if (isTemplate(payload)) return fillTyped(payload, lookUp);
  if ('members' in payload) {
    return Object.fromEntries(payload.members.map(([name, value]) => [name, jsonOf(value, lookUp)]));
  }
  return payload.map((one) => jsonOf(one, lookUp));
}

function isTemplate(payload: Payload): payload is Extract<Payload, { texts: readonly string[] }> {
  return typeof payload === 'object' && payload !== null && 'texts' in payload;
}
