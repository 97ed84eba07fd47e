import type { MapSpec, ValueSpec } from './description.js';
import { type RandomSource, rounded } from './map-walk.js';
import type { Scalar } from './template.js';

const DAY_MS = 86_400_000;

/** What a value is at that time. It goes on with each call. */
export type ValueSource = (nowMs: number) => Scalar;

/** @param startMs when the device begins */
export function valueSource(spec: Exclude<ValueSpec, MapSpec>, random: RandomSource, startMs: number): ValueSource {
  switch (spec.kind) {
    case 'walk':
      return walk(spec, random);
    case 'day':
      return (nowMs) => {
        const [low, high] = spec.between;
        const phase = (2 * Math.PI * (nowMs - spec.peakMs)) / DAY_MS;
        const noise = (random.next() * 2 - 1) * spec.noise;
        const value = (low + high) / 2 + ((high - low) / 2) * Math.cos(phase) + noise;
        return rounded(value, spec.digits);
      };
    case 'random': {
      const [low, high] = spec.between;
      return () => rounded(low + (high - low) * random.next(), spec.digits);
    }
    case 'ramp': {
      const [from, to] = spec.between;
      // Devices do not all begin at the same place of it.
      const ahead = random.next() * spec.overMs;
      return (nowMs) =>
        rounded(from + (to - from) * (((nowMs - startMs + ahead) % spec.overMs) / spec.overMs), spec.digits);
    }
    case 'choice':
      return choice(spec, random);
    case 'counter': {
      let next = spec.start;
      return () => {
        const value = next;
        next += spec.step;
        return value;
      };
    }
    case 'uuid': {
      const first = uuid(random);
      return spec.forEach === 'device' ? () => first : () => uuid(random);
    }
    case 'time':
      return (nowMs) => {
        if (spec.as === 'iso') return new Date(nowMs).toISOString();
        return spec.as === 'seconds' ? Math.floor(nowMs / 1000) : Math.floor(nowMs);
      };
  }
}

function walk(
  { between: [low, high], step, start, digits }: Extract<ValueSpec, { kind: 'walk' }>,
  random: RandomSource,
): ValueSource {
  let value = start ?? low + (high - low) * random.next();
  return () => {
    const current = value;
    value += (random.next() * 2 - 1) * step;
    // What would go out comes back in.
    if (value > high) value = Math.max(low, 2 * high - value);
    if (value < low) value = Math.min(high, 2 * low - value);
    return rounded(current, digits);
  };
}

function choice({ of, weights, stay }: Extract<ValueSpec, { kind: 'choice' }>, random: RandomSource): ValueSource {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let last: Scalar | undefined;
  return () => {
    if (last !== undefined && random.next() < stay) return last;
    let left = random.next() * total;
    last = of.find((_, at) => {
      left -= weights[at];
      return left < 0;
    });
    last ??= of[of.length - 1];
    return last;
  };
}

/** Version 4 (RFC 9562), of numbers that come again with the same seed. */
function uuid(random: RandomSource): string {
  return 'xxxxxxxx-xxxx-4xxx-Vxxx-xxxxxxxxxxxx'.replace(/[xV]/g, (place) => {
    const digit = Math.floor(random.next() * 16);
    return (place === 'V' ? (digit & 3) | 8 : digit).toString(16);
  });
}
