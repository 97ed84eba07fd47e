import { PacketType, ReasonCode, type Unsubscribe } from '@cauldron/codec';
import type { Connection } from '../connection.js';
import type { Context } from '../context.js';
import { logReceived } from '../packet-log.js';
import { LogType } from '../ports/log.js';

export function handleUnsubscribe(context: Context, connection: Connection, packet: Unsubscribe): void {
  const { session } = connection;
  if (session === null) return;
  const { authorizer, hooks, log, router, store } = context;
  if (log.types & LogType.DEBUG) logReceived(log, connection.clientId, PacketType.UNSUBSCRIBE);
  // Its size is the same whatever it says of each filter.
  const { packetId } = packet;
  connection.assertFits({ type: PacketType.UNSUBACK, packetId, reasonCodes: packet.filters.map(() => 0) });
  const appendedBefore = store.appended;
  const reasonCodes: ReasonCode[] = [];
  const { mountPoint } = connection;
  for (const asked of packet.filters) {
    const filter = mountPoint === null ? asked : mountPoint.filter(asked);
    if (filter === null) {
      reasonCodes.push(ReasonCode.NO_SUBSCRIPTION_EXISTED);
      continue;
    }
    if (log.types & LogType.DEBUG) log.write(LogType.DEBUG, `\t${filter}`);
    if (log.types & LogType.UNSUBSCRIBE)
      log.write(LogType.UNSUBSCRIBE, `${connection.clientId} ${filter}`, {
        client: connection.clientId,
        topic: filter,
      });
    const decision = authorizer.unrestricted ? undefined : authorizer.mayUnsubscribe?.(session.principal, filter);
    if (decision?.allowed === false) {
      logRefused(context, connection, filter, decision.rule);
      reasonCodes.push(ReasonCode.NOT_AUTHORIZED);
      continue;
    }
    // [MQTT-3.10.4-1] [MQTT-3.10.4-2]
    if (!router.unsubscribe(session, filter)) {
      reasonCodes.push(ReasonCode.NO_SUBSCRIPTION_EXISTED);
      continue;
    }
    if (session.isStored) store.append({ kind: 'unsubscribed', clientId: session.clientId, filter });
    hooks.unsubscribed(session.principal, filter);
    reasonCodes.push(ReasonCode.SUCCESS);
  }
  const ticket = store.appended === appendedBefore ? 0 : store.appended;
  // [MQTT-3.10.4-4] [MQTT-3.10.4-5] [MQTT-3.11.3-1]
  connection.send({ type: PacketType.UNSUBACK, packetId, reasonCodes }, ticket);
}

function logRefused({ log }: Context, { clientId: client }: Connection, filter: string, rule: string): void {
  if (log.types & LogType.NOTICE) {
    log.write(LogType.NOTICE, `Denied UNSUBSCRIBE from ${client} to '${filter}': ${rule}`, { client, topic: filter });
  }
}
