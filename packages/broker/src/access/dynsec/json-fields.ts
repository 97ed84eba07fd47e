import { fieldOf } from '../../core/control-topics.js';

/** Something in JSON that has names for what is in it. */
export type Fields = Readonly<Record<string, unknown>>;

// Reading what was written for Mosquitto, or by it: names count in whatever case they are.

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Undefined: it is not there, or is no text. */
export function textIn(fields: Fields, name: string): string | undefined {
  const value = fieldOf(fields, name);
  return typeof value === 'string' ? value : undefined;
}

/** `otherwise`: it is not there, or is no number. */
export function integerIn(fields: Fields, name: string, otherwise: number): number {
  const value = fieldOf(fields, name);
  return typeof value === 'number' ? Math.trunc(value) : otherwise;
}

/** Undefined: it is not there, or is neither true nor false. */
export function flagIn(fields: Fields, name: string): boolean | undefined {
  const value = fieldOf(fields, name);
  return typeof value === 'boolean' ? value : undefined;
}

/** Undefined: it is not there, or is no list. */
export function listIn(fields: Fields, name: string): readonly unknown[] | undefined {
  const value = fieldOf(fields, name);
  return Array.isArray(value) ? value : undefined;
}

/** Undefined: it is not there. */
export function valueIn(fields: Fields, name: string): unknown {
  return fieldOf(fields, name);
}
