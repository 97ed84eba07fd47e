import type { MapSpec, Region, Span } from './description.js';
import type { Scalar } from './template.js';

/** Where random numbers come from: 0 up to, but not including 1. */
export interface RandomSource {
  next(): number;
}

/** A region was entered or left. */
export interface Transition {
  readonly region: string;
  readonly event: 'enter' | 'leave';
}

const METRES_PER_DEGREE = 111_320;
const RADIANS = Math.PI / 180;
/** Degrees a second, at most: nobody turns on the spot. */
const TURN_PER_S = 20;
/** Metres a second in a second. */
const ACCELERATION = 1.5;
/** A destination counts as reached within so many metres. */
const ARRIVED_M = 25;
/** Steps are as short, so that curves are curves. */
const STEP_S = 2;
/** What happened in a longer time is not traced: the device was somewhere. */
const LONGEST_TRACE_S = 3_600;

/**
 * A device that goes from one place of a map to another, rests there, and goes on. It speeds up, slows down and turns as
 * something does that has a weight, and never leaves the map.
 */
export class MapWalk {
  readonly #spec: MapSpec;
  readonly #random: RandomSource;
  #atMs: number;
  #latitude: number;
  #longitude: number;
  /** Degrees clockwise from north. */
  #course: number;
  /** Metres a second. */
  #speed = 0;
  #cruise = 0;
  #target: readonly [latitude: number, longitude: number];
  #restUntilMs: number;
  #accuracy = 10;
  readonly #inside = new Set<Region>();
  #last: Transition = { region: '', event: 'leave' };

  constructor(spec: MapSpec, random: RandomSource, startMs: number) {
    this.#spec = spec;
    this.#random = random;
    this.#atMs = startMs;
    this.#latitude = this.#within(spec.latitude);
    this.#longitude = this.#within(spec.longitude);
    this.#course = random.next() * 360;
    this.#target = this.#nextTarget();
    this.#restUntilMs = startMs + this.#within(spec.restMs) * random.next();
    for (const region of spec.regions) if (this.#isIn(region)) this.#inside.add(region);
  }

  /** Goes on until then. @returns regions that were entered and left, in their order */
  moveTo(nowMs: number): Transition[] {
    const transitions: Transition[] = [];
    const skippedMs = nowMs - this.#atMs - LONGEST_TRACE_S * 1000;
    if (skippedMs > 0) this.#atMs += skippedMs;
    while (this.#atMs < nowMs) {
      const seconds = Math.min(STEP_S, (nowMs - this.#atMs) / 1000);
      this.#atMs += seconds * 1000;
      this.#step(seconds);
      this.#noteRegions(transitions);
    }
    this.#accuracy = Math.min(65, Math.max(4, this.#accuracy + (this.#random.next() - 0.5) * 6));
    return transitions;
  }

  /** What is reported from now on as `region` and `event`. */
  tell(transition: Transition): void {
    this.#last = transition;
  }

  /** One of MAP_FIELDS. */
  field(name: string): Scalar {
    switch (name) {
      case 'lat':
        return rounded(this.#latitude, 6);
      case 'lon':
        return rounded(this.#longitude, 6);
      case 'speed':
        return Math.round(this.#speed * 3.6);
      case 'course':
        return Math.round(this.#course) % 360;
      case 'accuracy':
        return Math.round(this.#accuracy);
      case 'altitude':
        return this.#altitude();
      case 'region':
        return this.#last.region;
      default:
        return this.#last.event;
    }
  }

  /** Hills that stay where they are. */
  #altitude(): number {
    const hills = Math.sin(this.#latitude * 60) + Math.sin(this.#longitude * 46);
    return Math.round(120 + 40 * hills);
  }

  #step(seconds: number): void {
    if (this.#atMs < this.#restUntilMs) {
      this.#speed = 0;
      return;
    }
    const [north, east] = this.#metresTo(this.#target);
    const distance = Math.hypot(north, east);
    if (distance < ARRIVED_M) {
      this.#restUntilMs = this.#atMs + this.#within(this.#spec.restMs);
      this.#target = this.#nextTarget();
      this.#speed = 0;
      return;
    }
    const wanted = (Math.atan2(east, north) / RADIANS + 360) % 360;
    const turn = ((wanted - this.#course + 540) % 360) - 180;
    // From rest any direction can be taken.
    const most = this.#speed < 1 ? 180 : TURN_PER_S * seconds;
    this.#course = (this.#course + Math.max(-most, Math.min(most, turn)) + 360) % 360;
    // Slower in curves, and before the destination.
    const curve = 1 - Math.min(0.7, Math.abs(turn) / 180);
    const braking = Math.sqrt(2 * ACCELERATION * distance);
    const limit = Math.min(this.#cruise * curve, braking);
    const change = ACCELERATION * seconds;
    this.#speed = Math.max(0.3, this.#speed + Math.max(-2 * change, Math.min(change, limit - this.#speed)));
    // Never past the destination.
    const metres = Math.min(this.#speed * seconds, distance);
    const { latitude, longitude } = this.#spec;
    const radians = this.#course * RADIANS;
    this.#latitude = clamped(this.#latitude + (metres * Math.cos(radians)) / METRES_PER_DEGREE, latitude);
    this.#longitude = clamped(this.#longitude + (metres * Math.sin(radians)) / this.#metresPerLongitude(), longitude);
  }

  /** A place to go to, often one of the regions, and a speed to go there. */
  #nextTarget(): readonly [number, number] {
    const { regions, latitude, longitude, speed } = this.#spec;
    this.#cruise = this.#within(speed) / 3.6;
    if (regions.length > 0 && this.#random.next() < 0.5) {
      const region = regions[Math.floor(this.#random.next() * regions.length)];
      return [clamped(region.latitude, latitude), clamped(region.longitude, longitude)];
    }
    return [this.#within(latitude), this.#within(longitude)];
  }

  #noteRegions(transitions: Transition[]): void {
    for (const region of this.#spec.regions) {
      const isIn = this.#isIn(region);
      if (isIn === this.#inside.has(region)) continue;
      if (isIn) this.#inside.add(region);
      else this.#inside.delete(region);
      transitions.push({ region: region.name, event: isIn ? 'enter' : 'leave' });
    }
  }

  #isIn({ latitude, longitude, radius }: Region): boolean {
    return Math.hypot(...this.#metresTo([latitude, longitude])) <= radius;
  }

  #metresTo([latitude, longitude]: readonly [number, number]): [north: number, east: number] {
    return [
      (latitude - this.#latitude) * METRES_PER_DEGREE,
      (longitude - this.#longitude) * this.#metresPerLongitude(),
    ];
  }

  #metresPerLongitude(): number {
    return METRES_PER_DEGREE * Math.cos(this.#latitude * RADIANS);
  }

  #within([from, to]: Span): number {
    return from + (to - from) * this.#random.next();
  }
}

function clamped(value: number, [from, to]: Span): number {
  return Math.max(from, Math.min(to, value));
}

export function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
