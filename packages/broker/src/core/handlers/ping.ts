import { PacketType } from '@cauldron/codec';
import type { Connection } from '../connection.js';
import type { Context } from '../context.js';
import { LogType } from '../ports/log.js';

export function handlePingreq(context: Context, connection: Connection): void {
  if (context.log.types & LogType.DEBUG) {
    context.log.write(LogType.DEBUG, `Received PINGREQ from ${connection.clientId}`);
    context.log.write(LogType.DEBUG, `Sending PINGRESP to ${connection.clientId}`);
  }
  connection.send({ type: PacketType.PINGRESP }); // [MQTT-3.12.4-1]
}
