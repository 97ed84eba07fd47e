import {
  PacketType,
  type Properties,
  ReasonCode,
  type Suback,
  type Subscribe,
  type SubscribeRequest,
  type Unsubscribe,
} from '@cauldron/codec';

type SubscribePacket = Omit<Subscribe, 'packetId'>;

/** What a server has granted, as it was asked for. */
interface Granted {
  readonly request: SubscribeRequest;
  readonly properties: Properties | undefined;
}

interface Refused {
  readonly filter: string;
  readonly reasonCode: ReasonCode;
}

/** What became of subscriptions that a server was told of again. */
export interface Renewal {
  readonly renewed: readonly string[];
  readonly lost: readonly Refused[];
}

/** Filters that go into one SUBSCRIBE; a bound that every server takes. */
const FILTERS_PER_PACKET = 64;

/** What the server has to know of the subscriptions of a client, to be told again when it has lost its session. */
export class Subscriptions {
  /** By filter: a server keeps one subscription for each. */
  readonly #granted = new Map<string, Granted>();

  /**
   * The server has answered a SUBSCRIBE.
   * @returns what it has refused
   */
  granted({ subscriptions, properties }: SubscribePacket, reasonCodes: readonly ReasonCode[]): Refused[] {
    const refused: Refused[] = [];
    subscriptions.forEach((request, i) => {
      const reasonCode = reasonCodes[i] ?? ReasonCode.UNSPECIFIED_ERROR;
      if (reasonCode < ReasonCode.UNSPECIFIED_ERROR) {
        this.#granted.set(request.filter, { request, properties });
      } else {
        refused.push({ filter: request.filter, reasonCode });
      }
    });
    return refused;
  }

  /** The server has answered an UNSUBSCRIBE; before 5.0 without reason codes. */
  ended({ filters }: Omit<Unsubscribe, 'packetId'>, reasonCodes: readonly ReasonCode[]): void {
    filters.forEach((filter, i) => {
      if ((reasonCodes[i] ?? ReasonCode.SUCCESS) < ReasonCode.UNSPECIFIED_ERROR) this.#granted.delete(filter);
    });
  }

  /**
   * The server knows nothing of them (any more), and is told again.
   * @param subscribe sends a SUBSCRIBE, and waits for the answer
   * @param isOver whether the connection has ended: then the next one tries again, and nothing is lost
   * @returns null when there is nothing to tell, or when the connection has ended meanwhile
   */
  async renew(subscribe: (packet: SubscribePacket) => Promise<Suback>, isOver: () => boolean): Promise<Renewal | null> {
    const packets = this.#packets();
    const answers = packets.map(async (packet) => {
      try {
        return this.granted(packet, (await subscribe(packet)).reasonCodes);
      } catch {
        // It cannot be said to this server.
        return packet.subscriptions.map(({ filter }) => ({ filter, reasonCode: ReasonCode.UNSPECIFIED_ERROR }));
      }
    });
    const lost = (await Promise.all(answers)).flat();
    if (packets.length === 0 || isOver()) return null;
    for (const { filter } of lost) this.#granted.delete(filter);
    const filters = packets.flatMap(({ subscriptions }) => subscriptions.map(({ filter }) => filter));
    return { renewed: filters.filter((filter) => this.#granted.has(filter)), lost };
  }

  /** The packets that subscribe everything again: those with equal properties go together. */
  #packets(): SubscribePacket[] {
    const groups = new Map<string, SubscribeRequest[][]>();
    const packets: SubscribePacket[] = [];
    for (const { request, properties } of this.#granted.values()) {
      const key = JSON.stringify(properties);
      const group = groups.get(key) ?? [];
      groups.set(key, group);
      let last = group.at(-1);
      if (last === undefined || last.length === FILTERS_PER_PACKET) {
        last = [];
        group.push(last);
        packets.push({ type: PacketType.SUBSCRIBE, subscriptions: last, ...(properties && { properties }) });
      }
      last.push(request);
    }
    return packets;
  }
}
