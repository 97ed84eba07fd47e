import {
  type Client,
  type ConnectOptions,
  connectOver,
  SubscribeRefused,
  type TransportFactory,
  transportTo,
} from '@cauldron/client';
import type { ConnectionTarget } from '../connection/connection-flags.js';
import { describeFailure } from '../connection/failure.js';
import { BenchFailure } from './bench-failure.js';
import { Slot, type Times } from './board.js';
import type { ErrorTally } from './error-tally.js';
import type { Plan } from './plan.js';
import { Publisher, type PublisherSetting } from './publisher.js';
import { Receiver, type ReceiverSetting } from './receiver.js';
import { type Share, Topology } from './shape.js';

/** Connections that are opened at once. */
const AT_ONCE = 64;
/** A broker that is busy with messages is late with answers to probes, too. */
const PING_TIMEOUT_MS = 60_000;

/** A connection to be made, and what becomes of it. */
interface Seat {
  readonly clientId: string;
  readonly open: TransportFactory;
  readonly options: ConnectOptions;
  /** Called whenever the broker has accepted. */
  readonly begin: (client: Client, sessionPresent: boolean) => void;
  /** Called when it is not connected again. */
  readonly end: () => void;
  client: Client | null;
}

/** The connections of one worker: made, subscribed, watched, ended. */
export class WorkerClients {
  readonly publishers: readonly Publisher[];
  readonly receivers: readonly Receiver[];
  readonly #plan: Plan;
  readonly #target: ConnectionTarget;
  readonly #topology: Topology;
  readonly #errors: ErrorTally;
  readonly #publishing: readonly (readonly [seat: Seat, number: number])[];
  readonly #subscribing: readonly (readonly [seat: Seat, filter: string])[];
  readonly #seats: readonly Seat[];

  constructor(
    plan: Plan,
    target: ConnectionTarget,
    share: Share,
    publishing: PublisherSetting,
    receiving: ReceiverSetting,
  ) {
    this.#plan = plan;
    this.#target = target;
    this.#errors = publishing.errors;
    const topology = new Topology(plan.topicPrefix, plan);
    this.#topology = topology;
    const through = transportTo(target.url, target.options);
    const { topics, clientIdPrefix } = plan;
    const nobody = { options: {}, begin: () => {}, end: () => {}, client: null };
    this.publishers = share.publishers.map(
      (n) => new Publisher(through, topology.topicsOf(n), n * topics, quotaOf(plan, n), publishing),
    );
    this.receivers = share.subscribers.map((n) => new Receiver(through, topology.streamsOf(n), receiving));
    this.#publishing = share.publishers.map((n, i) => {
      const publisher = this.publishers[i];
      const seat: Seat = {
        clientId: `${clientIdPrefix}-p${n}`,
        open: publisher.lane.open,
        // What is on its way when the connection is lost is given up.
        options: { sessionExpiryInterval: 0 },
        begin: ({ connack }) => publisher.begin(connack),
        end: () => publisher.end(),
        client: null,
      };
      return [seat, n] as const;
    });
    this.#subscribing = share.subscribers.map((n, i) => {
      const seat: Seat = {
        ...nobody,
        clientId: `${clientIdPrefix}-s${n}`,
        open: this.receivers[i].lane.open,
        begin: (_, sessionPresent) => this.receivers[i].begin(sessionPresent),
      };
      return [seat, topology.filterOf(n)] as const;
    });
    const idle = share.idle.map((n): Seat => ({ ...nobody, clientId: `${clientIdPrefix}-i${n}`, open: through }));
    this.#seats = [...this.#subscribing.map(([seat]) => seat), ...this.#publishing.map(([seat]) => seat), ...idle];
  }

  /** @throws (rejects) BenchFailure when one cannot be connected */
  async connect(counts: Float64Array, times: Times): Promise<void> {
    const { connectRate, workers } = this.#plan;
    const intervalMs = connectRate === null ? 0 : (1_000 * workers) / connectRate;
    const beganMs = performance.now();
    let begun = 0;
    await severalAtOnce(this.#seats, async (seat) => {
      const waitMs = beganMs + begun++ * intervalMs - performance.now();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      const startedMs = performance.now();
      const client = await this.#open(seat);
      times.connect.record((performance.now() - startedMs) * 1_000);
      counts[Slot.connected]++;
      this.#watch(seat, client);
    });
  }

  /** @throws (rejects) BenchFailure when the broker does not take it as it is asked for */
  async subscribe(): Promise<void> {
    await severalAtOnce(this.#subscribing, async ([{ client }, filter]) => {
      if (client !== null) await this.#subscribe(client, filter);
    });
  }

  /** Clears what is retained, and ends all connections in good order. */
  async leave(): Promise<void> {
    if (this.#plan.retain) {
      const cleared = this.#publishing.flatMap(([{ client }, number]) =>
        this.#topology.topicsOf(number).map((topic) => client?.publish(topic, '', { retain: true })),
      );
      await Promise.allSettled(cleared);
    }
    await Promise.all(this.#seats.map(({ client }) => client?.disconnect()));
  }

  async #open({ open, clientId, options }: Seat): Promise<Client> {
    const { url, options: given } = this.#target;
    const own = { clientId, reconnect: true, pingTimeoutMs: PING_TIMEOUT_MS, automaticTopicAliases: false };
    try {
      return await connectOver(open, { ...given, ...own, ...options });
    } catch (error) {
      throw new BenchFailure(describeFailure(error, url).text.trimEnd() + adviceFor(error as Error));
    }
  }

  async #subscribe(client: Client, filter: string): Promise<void> {
    const { qos } = this.#plan;
    const { userProperties, subscriptionIdentifiers } = this.#target.properties.subscribe;
    const [subscriptionIdentifier] = subscriptionIdentifiers ?? [];
    const options = {
      qos,
      ...(userProperties && { userProperties }),
      ...(subscriptionIdentifier !== undefined && { subscriptionIdentifier }),
    };
    try {
      // Messages do not come this way.
      const { reasonCodes } = await client.subscribe(filter, options, () => {});
      const [granted] = reasonCodes;
      if (granted !== qos) {
        throw new BenchFailure(`Error: The broker grants QoS ${granted} only, not ${qos}. Try -q ${granted}.`);
      }
    } catch (error) {
      if (error instanceof BenchFailure) throw error;
      if (!(error instanceof SubscribeRefused)) {
        throw new BenchFailure(describeFailure(error, this.#target.url).text.trimEnd());
      }
      throw new BenchFailure(`Error: ${error.message}. Another user, or -t with a topic that this one may use?`);
    }
  }

  /** From now on what goes wrong with the connection is counted, and it is made again. */
  #watch(seat: Seat, client: Client): void {
    seat.client = client;
    seat.begin(client, client.connack.sessionPresent);
    client.events.on('online', ({ sessionPresent }) => seat.begin(client, sessionPresent));
    client.events.on('offline', ({ error }) => this.#errors.add(error.message));
    client.events.on('subscriptionLost', () => this.#errors.add('The broker takes a subscription no more'));
    client.events.on('close', (error) => {
      if (error !== null) this.#errors.add(error.message);
      seat.end();
    });
  }
}

/** What this machine lacks for many connections. */
function adviceFor({ cause }: Error): string {
  switch (cause instanceof Error && 'code' in cause ? cause.code : undefined) {
    case 'EMFILE':
      return ' This process may open no more: see `ulimit -n`.';
    case 'EADDRNOTAVAIL':
      return ' All ports of this machine are in use: see net.ipv4.ip_local_port_range.';
    default:
      return '';
  }
}

function quotaOf({ count, publishers }: Plan, publisher: number): number {
  if (count === null) return Number.POSITIVE_INFINITY;
  return Math.floor(count / publishers) + (publisher < count % publishers ? 1 : 0);
}

async function severalAtOnce<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const waiting = all.values();
  const workSome = async (): Promise<void> => {
    for (const one of waiting) await work(one);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, workSome));
}
