import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../torture/random.js';
import type { MapSpec } from './description.js';
import { MapWalk } from './map-walk.js';

const HOME = { name: 'home', latitude: 48.205, longitude: 16.37, radius: 300 };
const VIENNA: MapSpec = {
  kind: 'map',
  latitude: [48.18, 48.23],
  longitude: [16.33, 16.42],
  speed: [4, 50],
  restMs: [10_000, 60_000],
  regions: [HOME],
};

interface Position {
  readonly lat: number;
  readonly lon: number;
  readonly speed: number;
  readonly course: number;
}

function positionOf(walk: MapWalk): Position {
  const [lat, lon, speed, course] = ['lat', 'lon', 'speed', 'course'].map((name) => Number(walk.field(name)));
  return { lat, lon, speed, course };
}

function metresBetween(a: Pick<Position, 'lat' | 'lon'>, b: Pick<Position, 'lat' | 'lon'>): number {
  const north = (a.lat - b.lat) * 111_320;
  return Math.hypot(north, (a.lon - b.lon) * 111_320 * Math.cos((a.lat * Math.PI) / 180));
}

describe('a walk on a map', () => {
  it('stays on the map, is no faster than it may be, and speeds up, slows down and turns as one with a weight', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 31), fc.integer({ min: 1, max: 60 }), (seed, everyS) => {
        const walk = new MapWalk(VIENNA, new Random(seed), 0);
        let before = positionOf(walk);
        let moved = 0;
        for (let at = 1; at <= 120; at++) {
          walk.moveTo(at * everyS * 1000);
          const now = positionOf(walk);
          expect(now.lat).toBeGreaterThanOrEqual(48.18);
          expect(now.lat).toBeLessThanOrEqual(48.23);
          expect(now.lon).toBeGreaterThanOrEqual(16.33);
          expect(now.lon).toBeLessThanOrEqual(16.42);
          expect(now.speed).toBeLessThanOrEqual(50);
          const metres = metresBetween(before, now);
          // A metre for what is rounded.
          expect(metres).toBeLessThanOrEqual((50 / 3.6) * everyS + 1);
          if (everyS === 1 && now.speed > 0 && before.speed > 4) {
            const turn = Math.abs(((now.course - before.course + 540) % 360) - 180);
            expect(turn).toBeLessThanOrEqual(21);
            expect(now.speed - before.speed).toBeLessThanOrEqual(7);
          }
          moved += metres;
          before = now;
        }
        if (everyS >= 10) expect(moved).toBeGreaterThan(100);
      }),
      { numRuns: 30 },
    );
  });

  it('tells of each region that is entered and left, in turn, and where that is so', () => {
    const walk = new MapWalk(VIENNA, new Random(5), 0);
    const events: string[] = [];
    for (let at = 1; at <= 3_000; at++) {
      for (const { region, event } of walk.moveTo(at * 10_000)) {
        expect(region).toBe('home');
        events.push(event);
      }
      const { lat, lon } = positionOf(walk);
      const metres = metresBetween({ lat, lon }, { lat: HOME.latitude, lon: HOME.longitude });
      // Within rounding of the border it may be this or that.
      if (events.length > 0 && Math.abs(metres - HOME.radius) > 1) {
        expect([metres < HOME.radius, at]).toEqual([events.at(-1) === 'enter', at]);
      }
    }
    expect(events.length).toBeGreaterThan(6);
    expect(events.some((event, at) => at > 0 && event === events[at - 1])).toBe(false);
  });

  it('reports what it was told to, and fields that OwnTracks has', () => {
    const walk = new MapWalk(VIENNA, new Random(1), 0);
    walk.moveTo(60_000);
    walk.tell({ region: 'home', event: 'enter' });
    expect([walk.field('region'), walk.field('event')]).toEqual(['home', 'enter']);
    expect(walk.field('accuracy')).toBeGreaterThanOrEqual(4);
    expect(Number.isInteger(walk.field('altitude'))).toBe(true);
  });

  it('does not trace what happened in days without a message', () => {
    const walk = new MapWalk(VIENNA, new Random(1), 0);
    const began = performance.now();
    walk.moveTo(10 * 365 * 86_400_000);
    expect(performance.now() - began).toBeLessThan(1_000);
  });
});
