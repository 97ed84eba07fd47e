import type { MapSpec, Region, Span, ValueSpec } from './description.js';
import type { Place } from './place.js';

const HOUR_MS = 3_600_000;
const DEFAULT_DIGITS = 1;
/** More has no meaning in a double. */
const MOST_DIGITS = 15;

type Members = ReadonlyMap<string, Place>;

interface Kind {
  /** What it may have besides the member that it is named by. */
  readonly more: readonly string[];
  readonly read: (main: Place, members: Members) => ValueSpec;
}

/** Each value has exactly one of these members, which says what kind it is. */
const KINDS: Readonly<Record<string, Kind>> = {
  walk: {
    more: ['step', 'start', 'digits'],
    read: (main, members) => {
      const between = rising(main);
      const start = members.get('start')?.number(...between) ?? null;
      const step = members.get('step')?.number(0) ?? (between[1] - between[0]) / 50;
      return { kind: 'walk', between, step, start, digits: digits(members) };
    },
  },
  day: {
    more: ['peak', 'noise', 'digits'],
    read: (main, members) => {
      const noise = members.get('noise')?.number(0) ?? 0;
      return {
        kind: 'day',
        between: rising(main),
        peakMs: timeOfDay(members.get('peak')),
        noise,
        digits: digits(members),
      };
    },
  },
  random: {
    more: ['digits'],
    read: (main, members) => ({ kind: 'random', between: rising(main), digits: digits(members) }),
  },
  ramp: {
    more: ['over', 'digits'],
    read: (main, members) => {
      const overMs = members.get('over')?.duration() ?? 24 * HOUR_MS;
      return { kind: 'ramp', between: main.span(), overMs, digits: digits(members) };
    },
  },
  choice: { more: ['weights', 'stay'], read: readChoice },
  counter: {
    more: ['step'],
    read: (main, members) => ({ kind: 'counter', start: main.number(), step: members.get('step')?.number() ?? 1 }),
  },
  uuid: {
    more: [],
    read: (main) => ({ kind: 'uuid', forEach: oneOf(main, ['device', 'message']) }),
  },
  time: {
    more: [],
    read: (main) => ({ kind: 'time', as: oneOf(main, ['seconds', 'milliseconds', 'iso']) }),
  },
  map: { more: [], read: readMap },
};

/** @returns null for what is no value; that has been noted */
export function readValue(place: Place): ValueSpec | null {
  const names = Object.keys(KINDS);
  if (place.node.kind !== 'object') {
    place.complain(`a value is an object with one of ${names.join(', ')}: { "walk": [15, 25] }`);
    return null;
  }
  const given = names.filter((name) => place.node.kind === 'object' && place.node.members.has(name));
  const [kind, another] = given;
  if (kind === undefined || another !== undefined) {
    place.complain(`a value has exactly one of ${names.join(', ')}`);
    return null;
  }
  const members = place.members([kind, ...KINDS[kind].more]);
  const main = members.get(kind);
  return main === undefined ? null : KINDS[kind].read(main, members);
}

function digits(members: Members): number {
  return members.get('digits')?.number(0, MOST_DIGITS, true) ?? DEFAULT_DIGITS;
}

function rising(place: Place, lowest?: number, highest?: number): Span {
  const span = place.span(lowest, highest);
  if (span[0] > span[1]) place.complain('the lower one stands first');
  return span;
}

function oneOf<T extends string>(place: Place, all: readonly T[]): T {
  const text = place.text();
  const found = all.find((one) => one === text);
  if (found === undefined) place.complain(`one of ${all.map((one) => `"${one}"`).join(', ')} was expected`);
  return found ?? all[0];
}

/** Milliseconds since midnight. */
function timeOfDay(place: Place | undefined): number {
  if (place === undefined) return 14 * HOUR_MS;
  const parts = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(place.text());
  if (parts === null) place.complain('a time of day was expected: "14:00" (UTC)');
  return parts === null ? 0 : (Number(parts[1]) * 60 + Number(parts[2])) * 60_000;
}

function readChoice(main: Place, members: Members): ValueSpec {
  const of = main.items().map(({ node }, at) => {
    if (node.kind !== 'object' && node.kind !== 'array') return node.value;
    main.items()[at].complain('a text, a number, true, false or null was expected');
    return null;
  });
  if (of.length === 0 && main.node.kind === 'array') main.complain('there is nothing to choose from');
  const weights =
    members
      .get('weights')
      ?.items()
      .map((one) => one.number(0)) ?? of.map(() => 1);
  if (weights.length !== of.length || !weights.some((weight) => weight > 0)) {
    members.get('weights')?.complain(`there are ${of.length} choices: as many weights, and not all of them 0`);
  }
  return { kind: 'choice', of, weights, stay: members.get('stay')?.number(0, 1) ?? 0 };
}

function readMap(place: Place): MapSpec {
  const members = place.members(['lat', 'lon', 'speed', 'rest', 'regions'], ['lat', 'lon']);
  const lat = members.get('lat');
  const lon = members.get('lon');
  const speed = members.get('speed');
  return {
    kind: 'map',
    latitude: lat === undefined ? [0, 1] : rising(lat, -85, 85),
    longitude: lon === undefined ? [0, 1] : rising(lon, -180, 180),
    speed: speed === undefined ? [3, 50] : rising(speed, 0, 1_000),
    restMs: members.get('rest')?.durations(0) ?? [60_000, 600_000],
    regions: members.get('regions')?.items().map(readRegion) ?? [],
  };
}

function readRegion(place: Place): Region {
  const members = place.members(['name', 'lat', 'lon', 'radius'], ['name', 'lat', 'lon', 'radius']);
  return {
    name: members.get('name')?.text() ?? '',
    latitude: members.get('lat')?.number(-90, 90) ?? 0,
    longitude: members.get('lon')?.number(-180, 180) ?? 0,
    radius: members.get('radius')?.number(1) ?? 1,
  };
}
