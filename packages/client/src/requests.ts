import type { Unsuback, Unsubscribe } from '@cauldron/codec';
import { type ClientPacket, PacketType, ProtocolError, ReasonCode, type Suback, type Subscribe } from '@cauldron/codec';
import { Deferred } from './deferred.js';
import { OutboxFull } from './errors.js';
import type { PacketIds } from './packet-ids.js';

/** SUBSCRIBE and UNSUBSCRIBE that wait for their answer. They end with the connection, and are never sent again. */
export class Requests {
  readonly #packetIds: PacketIds;
  readonly #send: (packet: ClientPacket) => void;
  readonly #subscribes = new Map<number, Deferred<Suback>>();
  readonly #unsubscribes = new Map<number, Deferred<Unsuback>>();

  constructor(packetIds: PacketIds, send: (packet: ClientPacket) => void) {
    this.#packetIds = packetIds;
    this.#send = send;
  }

  /** Whether none waits. */
  get idle(): boolean {
    return this.#subscribes.size === 0 && this.#unsubscribes.size === 0;
  }

  subscribe(request: Omit<Subscribe, 'packetId'>): Promise<Suback> {
    return this.#begin((packetId) => ({ ...request, packetId }), this.#subscribes);
  }

  unsubscribe(request: Omit<Unsubscribe, 'packetId'>): Promise<Unsuback> {
    return this.#begin((packetId) => ({ ...request, packetId }), this.#unsubscribes);
  }

  /** An answer to a request that is unknown (given up) is let pass; one that does not fit to its request is not. */
  receive(packet: Suback | Unsuback): void {
    const { packetId, type } = packet;
    const subscribe = this.#subscribes.get(packetId);
    const unsubscribe = this.#unsubscribes.get(packetId);
    if (subscribe === undefined && unsubscribe === undefined) return;
    this.#packetIds.giveBack(packetId);
    this.#subscribes.delete(packetId);
    this.#unsubscribes.delete(packetId);
    if (type === PacketType.SUBACK && subscribe !== undefined) {
      subscribe.resolve(packet);
    } else if (type === PacketType.UNSUBACK && unsubscribe !== undefined) {
      unsubscribe.resolve(packet);
    } else {
      const error = new ProtocolError(
        ReasonCode.PROTOCOL_ERROR,
        `The answer to request ${packetId} is of another kind`,
      );
      (subscribe ?? unsubscribe)?.reject(error);
      throw error;
    }
  }

  /** The connection is gone. */
  end(error: Error): void {
    for (const waiting of [this.#subscribes, this.#unsubscribes]) {
      for (const [packetId, request] of waiting) {
        this.#packetIds.giveBack(packetId);
        request.reject(error);
      }
      waiting.clear();
    }
  }

  #begin<T>(packetOf: (packetId: number) => ClientPacket, waiting: Map<number, Deferred<T>>): Promise<T> {
    const packetId = this.#packetIds.take();
    if (packetId === 0) throw new OutboxFull('All packet ids are in use');
    try {
      this.#send(packetOf(packetId));
    } catch (error) {
      this.#packetIds.giveBack(packetId);
      throw error;
    }
    const request = new Deferred<T>();
    waiting.set(packetId, request);
    return request.promise;
  }
}
