import { randomBytes } from 'node:crypto';
import { type Client, type ConnectOptions, type Message, PublishRefused, SubscribeRefused } from '@cauldron/client';
import { type QoS, reasonName } from '@cauldron/codec';
import type { ConnectionTarget } from '../connection/connection-flags.js';
import { openConnection } from '../connection/open-connection.js';

/** As long as Mosquitto's program waits for an answer. */
const ANSWER_LIMIT_MS = 10_000;

/** What a broker's part that answers commands is called, and where its commands go. */
export interface ControlModule {
  readonly name: 'dynsec' | 'broker';
  readonly topic: string;
}

export const MODULES = {
  dynsec: { name: 'dynsec', topic: '$CONTROL/dynamic-security/v1' },
  broker: { name: 'broker', topic: '$CONTROL/broker/v1' },
} as const satisfies Readonly<Record<string, ControlModule>>;

/** The answer to one command. */
export interface ControlReply {
  /** Why it was not carried out; null: it was. */
  readonly error: string | null;
  readonly data: unknown;
}

/** The command did not reach the broker's part that it is for; the message is a sentence for the person. */
export class ControlFailure extends Error {
  override readonly name = 'ControlFailure';
}

/** A connection for commands. */
export class ControlClient {
  readonly #client: Client;
  readonly #qos: QoS;
  readonly #subscribed = new Set<string>();
  readonly #waiting = new Map<string, (reply: ControlReply) => void>();

  private constructor(client: Client, qos: QoS) {
    this.#client = client;
    this.#qos = qos;
  }

  /** `trace`: is told of each packet. @throws (rejects) what `connect` throws */
  static async open(target: ConnectionTarget, qos: QoS, trace: ConnectOptions['trace'] = null): Promise<ControlClient> {
    return new ControlClient(await openConnection(target, { trace }), qos);
  }

  /** Resolved when the connection is over. */
  get closed(): Promise<unknown> {
    return this.#client.closed;
  }

  /** @throws (rejects) ControlFailure, the error that ended the connection */
  async send(
    { topic }: ControlModule,
    command: string,
    fields: Readonly<Record<string, unknown>>,
  ): Promise<ControlReply> {
    await this.#subscribe(topic);
    // Answers go to all who have subscribed: this is how to know one's own.
    const correlationData = randomBytes(12).toString('hex');
    const reply = new Promise<ControlReply>((resolve) => this.#waiting.set(correlationData, resolve));
    const payload = JSON.stringify({ commands: [{ command, ...fields, correlationData }] });
    const limit = AbortSignal.timeout(ANSWER_LIMIT_MS);
    const isLate = new Promise<null>((resolve) => limit.addEventListener('abort', () => resolve(null), { once: true }));
    const ended = this.#client.closed.then((error) => {
      throw error ?? new ControlFailure('The connection is closed.');
    });
    try {
      const published = this.#publish(topic, payload).then(() => reply);
      const answer = await Promise.race([reply, published, ended, isLate]);
      if (answer !== null) return answer;
    } finally {
      this.#waiting.delete(correlationData);
    }
    throw new ControlFailure(
      `There was no answer within ${ANSWER_LIMIT_MS / 1000} seconds. May this user receive ${topic}/response?`,
    );
  }

  async close(): Promise<void> {
    await this.#client.disconnect();
  }

  async #publish(topic: string, payload: string): Promise<void> {
    try {
      await this.#client.publish(topic, payload, { qos: this.#qos });
    } catch (error) {
      if (!(error instanceof PublishRefused)) throw error;
      throw new ControlFailure(`Publish error: ${error.reason}. This user may not publish to ${topic}.`);
    }
  }

  async #subscribe(topic: string): Promise<void> {
    if (this.#subscribed.has(topic)) return;
    const filter = `${topic}/response`;
    try {
      await this.#client.subscribe(filter, { qos: this.#qos }, (message) => this.#take(message));
    } catch (error) {
      if (!(error instanceof SubscribeRefused)) throw error;
      const [code] = error.reasonCodes;
      throw new ControlFailure(`Subscribe error: ${reasonName(code)}. This user may not subscribe to ${filter}.`);
    }
    this.#subscribed.add(topic);
  }

  #take({ payload }: Message): void {
    let answer: unknown;
    try {
      answer = JSON.parse(new TextDecoder().decode(payload));
    } catch {
      return;
    }
    const { error, responses } = answer as { error?: unknown; responses?: unknown };
    if (typeof error === 'string') {
      for (const resolve of this.#waiting.values()) resolve({ error, data: undefined });
      return;
    }
    for (const response of Array.isArray(responses) ? responses : []) {
      const { correlationData, error: why, data } = response as Readonly<Record<string, unknown>>;
      this.#waiting.get(String(correlationData))?.({ error: typeof why === 'string' ? why : null, data });
    }
  }
}
