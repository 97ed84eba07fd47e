import { MQTT_3_1_1 } from './mqtt-3-1-1.js';
import { MQTT_5_0 } from './mqtt-5-0.js';
import type { Side, Statement } from './statement.js';

export type { Side, Statement } from './statement.js';

/** The protocol levels that the two standards stand for, as they go into CONNECT. */
export type Level = 4 | 5;

export const LEVELS: readonly Level[] = [4, 5];

export const STATEMENTS: Readonly<Record<Level, readonly Statement[]>> = { 4: MQTT_3_1_1, 5: MQTT_5_0 };

export const STANDARD: Readonly<Record<Level, string>> = { 4: 'MQTT 3.1.1', 5: 'MQTT 5.0' };

/** The sides that a statement has to be proven on. */
export function sidesOf({ binds }: Statement): readonly Side[] {
  return binds === 'both' ? ['server', 'client'] : [binds];
}
