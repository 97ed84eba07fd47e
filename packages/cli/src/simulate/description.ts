import type { QoS } from '@cauldron/codec';
import type { Template } from './template.js';

/** What a file describes: groups of devices. */
export interface Description {
  readonly groups: readonly Group[];
}

export interface Group {
  readonly name: string;
  readonly count: number;
  /** Also the client id. */
  readonly id: Template;
  readonly username: Template | null;
  readonly password: Template | null;
  readonly values: ReadonlyMap<string, ValueSpec>;
  readonly messages: readonly MessageSpec[];
  readonly will: PublishSpec | null;
  /** Published whenever the device connects. */
  readonly birth: PublishSpec | null;
  readonly dropouts: DropoutSpec | null;
}

export interface PublishSpec {
  readonly topic: Template;
  readonly payload: Payload;
  readonly qos: QoS;
  readonly retain: boolean;
}

export interface MessageSpec extends PublishSpec {
  /** Milliseconds; null: at transitions of `on`. */
  readonly everyMs: number | null;
  /** Each interval is longer or shorter by up to so many milliseconds. */
  readonly jitterMs: number;
  /** A value that is a map, whose regions are entered and left. */
  readonly on: string | null;
}

export interface DropoutSpec {
  /** With each message that is due: from 0 to 1. */
  readonly probability: number;
  /** Shortest and longest, in milliseconds. */
  readonly forMs: Span;
  /** Whether what is due meanwhile is published afterwards. */
  readonly keepsMessages: boolean;
}

/** JSON in which texts are templates. */
export type Payload =
  | Template
  | number
  | boolean
  | null
  | readonly Payload[]
  | { readonly members: readonly (readonly [name: string, value: Payload])[] };

/** The lowest and the highest, or the first and the last. */
export type Span = readonly [from: number, to: number];

export type ValueSpec =
  | {
      readonly kind: 'walk';
      readonly between: Span;
      readonly step: number;
      readonly start: number | null;
      readonly digits: number;
    }
  | {
      readonly kind: 'day';
      readonly between: Span;
      readonly peakMs: number;
      readonly noise: number;
      readonly digits: number;
    }
  | { readonly kind: 'random'; readonly between: Span; readonly digits: number }
  | { readonly kind: 'ramp'; readonly between: Span; readonly overMs: number; readonly digits: number }
  | {
      readonly kind: 'choice';
      readonly of: readonly (string | number | boolean | null)[];
      readonly weights: readonly number[];
      readonly stay: number;
    }
  | { readonly kind: 'counter'; readonly start: number; readonly step: number }
  | { readonly kind: 'uuid'; readonly forEach: 'device' | 'message' }
  | { readonly kind: 'time'; readonly as: 'seconds' | 'milliseconds' | 'iso' }
  | MapSpec;

/** A walk on a map. Angles in degrees, distances in metres. */
export interface MapSpec {
  readonly kind: 'map';
  readonly latitude: Span;
  readonly longitude: Span;
  /** Kilometres an hour. */
  readonly speed: Span;
  /** How long a device stands still when it has arrived somewhere; milliseconds. */
  readonly restMs: Span;
  readonly regions: readonly Region[];
}

export interface Region {
  readonly name: string;
  readonly latitude: number;
  readonly longitude: number;
  readonly radius: number;
}

/** What a map has to say, as `{position.lat}`. */
export const MAP_FIELDS = ['lat', 'lon', 'speed', 'course', 'accuracy', 'altitude', 'region', 'event'] as const;
/** What every device has, without being described. */
export const BUILT_IN = ['id', 'n', 'group', 'tid'] as const;
