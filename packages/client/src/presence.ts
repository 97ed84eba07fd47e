import { assertTopicName, PacketType, type Publish, type QoS } from '@cauldron/codec';
import { bytesOf } from './bytes.js';
import type { ConnectOptions, PublishProperties, WillOptions } from './options.js';

/** A topic that always tells whether the client is there. */
export interface PresenceOptions {
  topic: string;
  /** Published at each connect. Default `online`. */
  online?: string | Uint8Array;
  /** Published before an orderly end, and the will of each connection. Default `offline`. */
  offline?: string | Uint8Array;
  /** Default 1. */
  qos?: QoS;
  /** Default true. */
  retain?: boolean;
}

/** A message that is published at each connect. */
export interface BirthOptions {
  topic: string;
  /** Empty when absent. */
  payload?: string | Uint8Array;
  /** Default 0. */
  qos?: QoS;
  /** Default false. */
  retain?: boolean;
  properties?: PublishProperties;
}

/** What a client publishes by itself, when it comes and when it goes. */
export class Presence {
  readonly #presence: PresenceOptions | undefined;
  readonly #birth: BirthOptions | undefined;

  /** @throws ProtocolError for a topic that is none; TypeError for a will of its own beside `presence` */
  constructor({ presence, birth, will }: ConnectOptions) {
    if (presence !== undefined) assertTopicName(presence.topic);
    if (birth !== undefined) assertTopicName(birth.topic);
    if (presence !== undefined && will !== undefined) {
      throw new TypeError('`presence` is a will already: a connection has only one');
    }
    this.#presence = presence;
    this.#birth = birth;
  }

  get will(): WillOptions | undefined {
    if (this.#presence === undefined) return undefined;
    const { topic, offline = 'offline', qos = 1, retain = true } = this.#presence;
    return { topic, payload: offline, qos, retain };
  }

  /** What is published at each connect, in its order. */
  births(): Publish[] {
    const births: Publish[] = [];
    if (this.#presence !== undefined) {
      const { topic, online = 'online', qos = 1, retain = true } = this.#presence;
      births.push(packetOf({ topic, payload: online, qos, retain }));
    }
    if (this.#birth !== undefined) births.push(packetOf(this.#birth));
    return births;
  }

  /** What is published before an orderly end; null: nothing. */
  farewell(): Publish | null {
    return this.will === undefined ? null : packetOf(this.will);
  }
}

function packetOf({ topic, payload = '', qos = 0, retain = false, properties }: BirthOptions): Publish {
  const packet: Publish = { type: PacketType.PUBLISH, topic, payload: bytesOf(payload), qos, retain, dup: false };
  if (properties !== undefined) packet.properties = { ...properties };
  return packet;
}
