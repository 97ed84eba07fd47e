import type { Level, Side } from './statements/index.js';

/** A statement that nothing outside of the side it binds can see obeyed or broken. */
export interface Untestable {
  readonly level: Level;
  readonly id: string;
  readonly side: Side;
  readonly reason: string;
}

export const UNTESTABLE: readonly Untestable[] = [
  {
    level: 4,
    id: 'MQTT-7.0.0-1',
    side: 'server',
    reason:
      'It binds a server that connects to other servers, which a client cannot make it do. What it then has to be, a server and a client, is judged by all the other tests.',
  },
];
