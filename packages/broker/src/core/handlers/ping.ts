import { PacketType } from '@cauldron/codec';
import type { Connection } from '../connection.js';
import type { Context } from '../context.js';
import { logReceived } from '../packet-log.js';
import { LogType } from '../ports/log.js';

export function handlePingreq(context: Context, connection: Connection): void {
  if (context.log.types & LogType.DEBUG) {
    logReceived(context.log, connection.clientId, PacketType.PINGREQ);
  }
  connection.send({ type: PacketType.PINGRESP }); // [MQTT-3.12.4-1]
}
