import {
  type ClientPacket,
  PacketType,
  ProtocolError,
  ReasonCode,
  type Suback,
  type Subscribe,
  type Unsuback,
  type Unsubscribe,
} from '@cauldron/codec';
import { Deferred } from '../deferred.js';
import { OutboxFull } from '../errors.js';
import type { PacketIds } from '../session/packet-ids.js';

/** A request that waits for its answer. */
interface Waiting {
  readonly answer: (Suback | Unsuback)['type'];
  readonly settled: Deferred<Suback | Unsuback>;
}

/** SUBSCRIBE and UNSUBSCRIBE that wait for their answer. They end with the connection, and are never sent again. */
export class Requests {
  readonly #packetIds: PacketIds;
  readonly #send: (packet: ClientPacket) => void;
  readonly #waiting = new Map<number, Waiting>();

  constructor(packetIds: PacketIds, send: (packet: ClientPacket) => void) {
    this.#packetIds = packetIds;
    this.#send = send;
  }

  /** Whether none waits. */
  get idle(): boolean {
    return this.#waiting.size === 0;
  }

  subscribe(request: Omit<Subscribe, 'packetId'>): Promise<Suback> {
    return this.#begin(PacketType.SUBACK, (packetId) => ({ ...request, packetId })) as Promise<Suback>;
  }

  unsubscribe(request: Omit<Unsubscribe, 'packetId'>): Promise<Unsuback> {
    return this.#begin(PacketType.UNSUBACK, (packetId) => ({ ...request, packetId })) as Promise<Unsuback>;
  }

  /** An answer to a request that is unknown (given up) is let pass; one that does not fit to its request is not. */
  receive(packet: Suback | Unsuback): void {
    const { packetId, type } = packet;
    const request = this.#waiting.get(packetId);
    if (request === undefined) return;
    this.#packetIds.giveBack(packetId);
    this.#waiting.delete(packetId);
    if (type === request.answer) {
      request.settled.resolve(packet);
      return;
    }
    const message = `Another kind of answer to request ${packetId}`;
    const error = new ProtocolError(ReasonCode.PROTOCOL_ERROR, message);
    request.settled.reject(error);
    throw error;
  }

  /** The connection is gone. */
  end(error: Error): void {
    for (const [packetId, { settled }] of this.#waiting) {
      this.#packetIds.giveBack(packetId);
      settled.reject(error);
    }
    this.#waiting.clear();
  }

  #begin(answer: Waiting['answer'], packetOf: (packetId: number) => ClientPacket): Promise<Suback | Unsuback> {
    const packetId = this.#packetIds.take();
    if (packetId === 0) throw new OutboxFull('All packet ids are in use');
    try {
      this.#send(packetOf(packetId));
    } catch (error) {
      this.#packetIds.giveBack(packetId);
      throw error;
    }
    const settled = new Deferred<Suback | Unsuback>();
    this.#waiting.set(packetId, { answer, settled });
    return settled.promise;
  }
}
