import { PacketType, packetName } from '@cauldron/codec';
import type { Gauges } from '../core/broker.js';
import type { Counters } from '../core/counters.js';

/** The topics of a broker begin so, in Mosquitto as here. */
export const SYS_PREFIX = '$SYS/broker/';

/** The state of a broker at one moment, as far as it is published. */
export interface SysState {
  readonly counters: Readonly<Counters>;
  readonly gauges: Gauges;
  readonly uptimeS: number;
  /** What the process has on its heap and in buffers, and the most that it ever had when it was looked at. */
  readonly memoryBytes: number;
  readonly maximumMemoryBytes: number;
}

/** Topics with the same number, below `SYS_PREFIX`. */
interface SysValue {
  readonly topics: readonly string[];
  read(state: SysState): number;
}

/** What is counted in plain numbers, in Mosquitto's names. The second topic of a row is an older name. */
export const SYS_VALUES: readonly SysValue[] = [
  { topics: ['clients/total'], read: ({ gauges }) => gauges.sessions },
  { topics: ['clients/maximum'], read: ({ counters }) => counters.sessionsMaximum },
  { topics: ['clients/connected', 'clients/active'], read: ({ gauges }) => gauges.clientsConnected },
  {
    topics: ['clients/disconnected', 'clients/inactive'],
    read: ({ gauges }) => gauges.sessions - gauges.clientsConnected,
  },
  { topics: ['clients/expired'], read: ({ counters }) => counters.sessionsExpired },
  { topics: ['messages/stored', 'store/messages/count'], read: ({ gauges }) => gauges.storedMessages },
  { topics: ['store/messages/bytes'], read: ({ gauges }) => gauges.storedBytes },
  { topics: ['subscriptions/count'], read: ({ gauges }) => gauges.subscriptions },
  { topics: ['shared_subscriptions/count'], read: ({ gauges }) => gauges.sharedSubscriptions },
  { topics: ['retained messages/count'], read: ({ gauges }) => gauges.retained },
  { topics: ['heap/current'], read: ({ memoryBytes }) => memoryBytes },
  { topics: ['heap/maximum'], read: ({ maximumMemoryBytes }) => maximumMemoryBytes },
  { topics: ['messages/received'], read: ({ counters }) => counters.packetsReceived },
  { topics: ['messages/sent'], read: ({ counters }) => counters.packetsSent },
  { topics: ['bytes/received'], read: ({ counters }) => counters.bytesReceived },
  { topics: ['bytes/sent'], read: ({ counters }) => counters.bytesSent },
  { topics: ['publish/messages/received'], read: ({ counters }) => counters.publishReceived },
  { topics: ['publish/messages/sent'], read: ({ counters }) => counters.publishSent },
  { topics: ['publish/messages/dropped'], read: ({ counters }) => counters.publishDropped },
  { topics: ['publish/bytes/received'], read: ({ counters }) => counters.publishBytesReceived },
  { topics: ['publish/bytes/sent'], read: ({ counters }) => counters.publishBytesSent },
  { topics: ['packet/out/count'], read: waitingPackets },
  { topics: ['packet/out/bytes'], read: ({ gauges }) => gauges.outputBytes },
  { topics: ['connections/socket/count'], read: ({ counters }) => counters.sockets },
  // Not one of Mosquitto's.
  { topics: ['connections/refused/count'], read: ({ counters }) => counters.connectionsRefused },
  ...packetValues(),
];

/** Of what there are load averages: below `load/`. */
export const SYS_LOADS: readonly { readonly name: string; read(counters: Readonly<Counters>): number }[] = [
  { name: 'messages/received', read: (counters) => counters.packetsReceived },
  { name: 'messages/sent', read: (counters) => counters.packetsSent },
  { name: 'publish/received', read: (counters) => counters.publishReceived },
  { name: 'publish/sent', read: (counters) => counters.publishSent },
  { name: 'publish/dropped', read: (counters) => counters.publishDropped },
  { name: 'bytes/received', read: (counters) => counters.bytesReceived },
  { name: 'bytes/sent', read: (counters) => counters.bytesSent },
  { name: 'sockets', read: (counters) => counters.sockets },
  { name: 'connections', read: (counters) => counters.received[PacketType.CONNECT] },
];

/** What waits is bytes, which are no packets any more: as many as such bytes have been so far. */
function waitingPackets({ counters, gauges }: SysState): number {
  const { outputBytes } = gauges;
  if (outputBytes === 0) return 0;
  const bytesPerPacket = Math.max(counters.bytesSent, outputBytes) / Math.max(counters.packetsSent, 1);
  return Math.ceil(outputBytes / bytesPerPacket);
}

/** Mosquitto's manual has them; Mosquitto has not. */
function packetValues(): SysValue[] {
  const types = Array.from({ length: PacketType.AUTH }, (_, i) => (i + 1) as PacketType);
  return types.flatMap((type) => {
    const name = packetName(type).toLowerCase();
    return [
      { topics: [`mqtt/${name}/received`], read: ({ counters }: SysState) => counters.received[type] },
      { topics: [`mqtt/${name}/sent`], read: ({ counters }: SysState) => counters.sent[type] },
    ];
  });
}
