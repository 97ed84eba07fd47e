import { type Client, type ConnectOptions, SubscribeRefused } from '@cauldron/client';
import type { ConnectionTarget } from '../connection/connection-flags.js';
import { describeFailure } from '../connection/failure.js';
import { openConnection } from '../connection/open-connection.js';
import { BenchFailure } from './bench-failure.js';
import { Slot, type Times } from './board.js';
import type { ErrorTally } from './error-tally.js';
import type { Plan } from './plan.js';
import { Publisher, type PublisherSetting } from './publisher.js';
import { Receiver, type ReceiverSetting } from './receiver.js';
import { type Share, Topology } from './shape.js';

/** Connections that are opened at once. */
const AT_ONCE = 64;
/** Messages with QoS 1 and 2 that the client may have on their way in an open loop: as many as the broker takes. */
const MOST_INFLIGHT = 65_535;

/** A connection to be made, and what becomes of it. */
interface Seat {
  readonly name: string;
  client: Client | null;
}

/** The connections of one worker: made, subscribed, watched, ended. */
export class WorkerClients {
  readonly #plan: Plan;
  readonly #target: ConnectionTarget;
  readonly #topology: Topology;
  readonly #errors: ErrorTally;
  readonly #publishers: readonly (Seat & { readonly number: number })[];
  readonly #subscribers: readonly (Seat & { readonly number: number })[];
  readonly #seats: readonly Seat[];

  constructor(plan: Plan, target: ConnectionTarget, share: Share, errors: ErrorTally) {
    this.#plan = plan;
    this.#target = target;
    this.#topology = new Topology(plan.topicPrefix, plan);
    this.#errors = errors;
    const seats = (kind: string, numbers: readonly number[]) =>
      numbers.map((number) => ({ name: `${plan.clientIdPrefix}-${kind}${number}`, number, client: null }));
    this.#publishers = seats('p', share.publishers);
    this.#subscribers = seats('s', share.subscribers);
    this.#seats = [...this.#subscribers, ...this.#publishers, ...seats('i', share.idle)];
  }

  /** @throws (rejects) BenchFailure when one cannot be connected */
  async connect(counts: Float64Array, times: Times): Promise<void> {
    const { connectRate, workers } = this.#plan;
    const intervalMs = connectRate === null ? 0 : (1_000 * workers) / connectRate;
    const waiting = this.#seats.values();
    const beganMs = performance.now();
    let begun = 0;
    const connectSome = async (): Promise<void> => {
      for (const seat of waiting) {
        const dueMs = beganMs + begun++ * intervalMs;
        if (dueMs > performance.now()) await new Promise((resolve) => setTimeout(resolve, dueMs - performance.now()));
        const startedMs = performance.now();
        seat.client = await this.#open(seat.name);
        times.connect.record((performance.now() - startedMs) * 1_000);
        counts[Slot.connected]++;
        this.#watch(seat.client);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, connectSome));
  }

  /** @throws (rejects) BenchFailure when the broker does not take it as it is asked for */
  async subscribe(setting: ReceiverSetting): Promise<Receiver[]> {
    const waiting = this.#subscribers.values();
    const receivers: Receiver[] = [];
    const subscribeSome = async (): Promise<void> => {
      for (const { client, number } of waiting) {
        const receiver = new Receiver(this.#topology.streamsOf(number), setting);
        receivers.push(receiver);
        if (client !== null) await this.#subscribe(client, this.#topology.filterOf(number), receiver);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, subscribeSome));
    return receivers;
  }

  publishers(setting: PublisherSetting): Publisher[] {
    const { topics, count, publishers } = this.#plan;
    return this.#publishers.flatMap(({ client, number }) => {
      if (client === null) return [];
      const quota =
        count === null
          ? Number.POSITIVE_INFINITY
          : Math.floor(count / publishers) + (number < count % publishers ? 1 : 0);
      return [new Publisher(client, this.#topology.topicsOf(number), number * topics, quota, setting)];
    });
  }

  /** Clears what is retained, and ends all connections in good order. */
  async leave(): Promise<void> {
    const { retain, qos } = this.#plan;
    if (retain) {
      const cleared = this.#publishers.flatMap(({ client, number }) =>
        this.#topology.topicsOf(number).map((topic) => client?.publish(topic, '', { qos, retain })),
      );
      await Promise.allSettled(cleared);
    }
    await Promise.all(this.#seats.map(({ client }) => client?.disconnect()));
  }

  async #open(clientId: string): Promise<Client> {
    const { rate, window, aliases } = this.#plan;
    const options: ConnectOptions = {
      clientId,
      reconnect: true,
      maximumInflight: rate === null ? window : MOST_INFLIGHT,
      automaticTopicAliases: aliases,
    };
    try {
      return await openConnection(this.#target, options);
    } catch (error) {
      throw new BenchFailure(describeFailure(error, this.#target.url).text.trimEnd());
    }
  }

  async #subscribe(client: Client, filter: string, receiver: Receiver): Promise<void> {
    const { qos } = this.#plan;
    const properties = this.#target.properties.subscribe;
    const { userProperties, subscriptionIdentifiers: [subscriptionIdentifier] = [] } = properties;
    const options = {
      qos,
      ...(userProperties && { userProperties }),
      ...(subscriptionIdentifier !== undefined && { subscriptionIdentifier }),
    };
    try {
      const { reasonCodes } = await client.subscribe(filter, options, ({ payload }) => receiver.receive(payload));
      if (reasonCodes[0] !== qos) {
        throw new BenchFailure(
          `Error: The broker grants QoS ${reasonCodes[0]} only, not ${qos}. Try -q ${reasonCodes[0]}.`,
        );
      }
    } catch (error) {
      if (error instanceof BenchFailure) throw error;
      if (!(error instanceof SubscribeRefused)) {
        throw new BenchFailure(describeFailure(error, this.#target.url).text.trimEnd());
      }
      throw new BenchFailure(`Error: ${error.message} Another user, or -t with a topic that this one may use?`);
    }
  }

  /** From now on what goes wrong with the connection is counted, and it is made again. */
  #watch(client: Client): void {
    client.events.on('offline', ({ error }) => this.#errors.add(error.message));
    client.events.on('subscriptionLost', () => this.#errors.add('The broker takes a subscription no more'));
    client.events.on('close', (error) => {
      if (error !== null) this.#errors.add(error.message);
    });
  }
}
