import type { Model } from './model.js';
import { payloadOf } from './payload.js';
import type { Random } from './random.js';
import type { RetainedModel } from './retained-model.js';
import { type Outgoing, SessionClient, type SessionClientOptions } from './session-client.js';
import type { StreamModel, StreamQoS } from './stream-model.js';
import type { WillModel } from './will-model.js';

/** Matches all messages of the publishers. */
export const MESSAGES = 'torture/m/+/+';
const WILLS = 'torture/w/#';
/** Matches all topics of retained messages. */
export const RETAINED = 'torture/r/#';
const RETAINED_TOPICS = 8;
const PUBLISHERS = 4;
const CHANGING_FILTERS = 12;

/** What the cast counts. */
export interface Tally {
  acknowledged(qos: StreamQoS, latencyMs: number | undefined): void;
}

interface Voice {
  readonly client: SessionClient;
  readonly stream: StreamModel;
}

interface Page {
  readonly client: SessionClient;
  readonly retained: RetainedModel;
  readonly qos: StreamQoS;
  /** A write is under way: the next one waits. */
  isBusy: boolean;
}

interface Mortal {
  readonly client: SessionClient;
  readonly will: WillModel;
  /** It returns before its will is due, if there is time for that. */
  isHasty: boolean;
}

/** All clients that put a broker under load, by what they do. */
export class Cast {
  /** Publish numbered messages. */
  readonly voices: readonly Voice[];
  /** Set, replace and clear retained messages. */
  readonly pages: readonly Page[];
  /** Always there, but for an accident. */
  readonly listeners: readonly SessionClient[];
  /** Go, and come back. */
  readonly wanderers: readonly SessionClient[];
  /** Ends and renews its subscription, and now and then its session. */
  readonly fickle: SessionClient;
  /** Add and remove subscriptions to which nobody publishes. */
  readonly changers: readonly { readonly client: SessionClient; readonly filters: readonly string[] }[];
  /** Have a will, lose their connection, and stay away until the will has come, or return at once. */
  readonly mortals: readonly Mortal[];
  readonly #tally: Tally;

  constructor(model: Model, qos: readonly StreamQoS[], tally: Tally, isBrokerDown: () => boolean) {
    this.#tally = tally;
    const client = (clientId: string, more: Partial<SessionClientOptions> = {}): SessionClient =>
      new SessionClient({ clientId, version: 5, model, isBrokerDown, ...more });

    const publishers = Array.from({ length: PUBLISHERS }, (_, i) =>
      client(`publisher-${i + 1}`, { version: i === 0 ? 4 : 5 }),
    );
    this.voices = publishers.flatMap((publisher) =>
      qos.map((level) => ({
        client: publisher,
        stream: model.stream(`torture/m/${publisher.clientId}/${level}`, level, publisher.clientId),
      })),
    );

    const librarian = client('librarian');
    this.pages = Array.from({ length: RETAINED_TOPICS }, (_, i) => ({
      client: librarian,
      retained: model.retained(`torture/r/${i + 1}`),
      qos: qos[i % qos.length],
      isBusy: false,
    }));

    const all = { filters: [MESSAGES, WILLS] };
    this.listeners = [
      client('listener-1', all),
      client('listener-2', { ...all, version: 4 }),
      client('listener-3', { ...all, isLazy: true }),
    ];
    this.wanderers = [client('wanderer-1', all), client('wanderer-2', { ...all, isLazy: true, version: 4 })];
    this.fickle = client('fickle-1', { filters: [MESSAGES] });

    this.changers = [1, 2].map((number) => ({
      client: client(`changer-${number}`),
      filters: Array.from(
        { length: CHANGING_FILTERS },
        (_, i) => `torture/c/${number}/${i + 1}${i % 3 === 0 ? '/+' : ''}`,
      ),
    }));

    this.mortals = [0, 1000, 2000].map((delayMs, i) => {
      const clientId = `mortal-${i + 1}`;
      const will = model.will(clientId, `torture/w/${clientId}`, qos[i % qos.length], delayMs);
      return { client: client(clientId, { will }), will, isHasty: false };
    });
  }

  get all(): SessionClient[] {
    const { voices, pages, listeners, wanderers, fickle, changers, mortals } = this;
    const parts = [voices, pages, changers, mortals].flatMap((part) => part.map(({ client }) => client));
    return [...new Set([...parts, ...listeners, ...wanderers, fickle])];
  }

  /** Publishes the next message of a stream whose publisher may send now. */
  speak(random: Random): void {
    const able = this.voices.filter(({ client }) => client.mayPublish);
    if (able.length === 0) return;
    const { client, stream } = random.pick(able);
    const { topic, qos } = stream;
    const number = stream.publishing();
    const message: Outgoing = {
      topic,
      payload: payloadOf(topic, number),
      qos,
      retain: false,
      resending: () => stream.resending(number),
      accepted: (latencyMs) => {
        stream.accepted(number);
        this.#tally.acknowledged(qos, latencyMs);
      },
      finished: () => stream.finished(number),
      abandoned: () => stream.abandoned(number),
    };
    client.publish(message);
  }

  /** Sets, replaces or clears a retained message. */
  write(random: Random): void {
    const page = random.pick(this.pages);
    const { client, retained, qos } = page;
    if (page.isBusy || !client.mayPublish) return;
    page.isBusy = true;
    const clears = random.chance(0.3);
    const { topic } = retained;
    const number = retained.writing(clears);
    client.publish({
      topic,
      payload: clears ? '' : payloadOf(topic, number),
      qos,
      retain: true,
      resending: () => {},
      accepted: (latencyMs) => this.#tally.acknowledged(qos, latencyMs),
      finished: () => {
        retained.written(number);
        page.isBusy = false;
      },
      abandoned: () => {
        page.isBusy = false;
      },
    });
  }

  /** Adds or removes one of the subscriptions of those who do nothing else. */
  change(random: Random): void {
    const { client, filters } = random.pick(this.changers);
    const filter = random.pick(filters);
    if (!client.maySubscribe(filter)) return;
    if (client.filters.has(filter)) client.unsubscribe(filter);
    else client.subscribe(filter);
  }
}
