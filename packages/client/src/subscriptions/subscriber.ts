import {
  assertTopicFilter,
  PacketType,
  type Properties,
  ReasonCode,
  type Suback,
  type Subscribe,
  type SubscribeRequest,
  type Unsuback,
  type Unsubscribe,
} from '@cauldron/codec';
import { untilAborted } from '../abort.js';
import type { Client } from '../client.js';
import { type ClientError, SubscribeRefused } from '../errors.js';
import type { SubscribeOptions, UnsubscribeOptions } from '../options.js';
import { ActiveSubscription, type Delivery } from './active-subscription.js';
import type { Inbox } from './inbox.js';
import type { MessageHandler, Subscription } from './subscription.js';

/** The way to the server. */
export interface SubscriberPort {
  subscribe(request: Omit<Subscribe, 'packetId'>): Promise<Suback>;
  unsubscribe(request: Omit<Unsubscribe, 'packetId'>): Promise<Unsuback>;
}

/** The subscriptions of a client: asks the server for them, and knows which filters are still in use. */
export class Subscriber {
  readonly #client: Client;
  readonly #inbox: Inbox;
  readonly #port: SubscriberPort;
  readonly #active = new Set<ActiveSubscription<unknown, unknown>>();

  constructor(client: Client, inbox: Inbox, port: SubscriberPort, onMessage: MessageHandler | null) {
    this.#client = client;
    this.#inbox = inbox;
    this.#port = port;
    if (onMessage === null) return;
    const delivery = { codec: null, paramsOf: null, handler: onMessage };
    inbox.fallback = new ActiveSubscription([], delivery, client, inbox, () => Promise.resolve());
  }

  /** As `Client.subscribe`, which says what it throws. */
  async subscribe<T, P>(
    filters: readonly string[],
    options: SubscribeOptions,
    delivery: Delivery<T, P>,
  ): Promise<Subscription<T, P>> {
    const { signal } = options;
    signal?.throwIfAborted();
    const request = subscribePacket(filters, options);
    const subscription = new ActiveSubscription(filters, delivery, this.#client, this.#inbox, this.#leave);
    // Before the server has heard of it: what it sends with its answer, such as retained messages, is for the subscription.
    this.#begin(subscription);
    const granted = this.#grant(subscription, request);
    try {
      await untilAborted(granted, signal);
    } catch (error) {
      // If it was the signal: the server may still grant the subscription, which nobody wants any more.
      granted.then(() => subscription.unsubscribe()).catch(() => {});
      throw error;
    }
    if (signal !== undefined) subscription.endWith(signal);
    return subscription;
  }

  /** As `Client.unsubscribe`. */
  unsubscribe(
    filters: readonly string[],
    { userProperties, signal }: UnsubscribeOptions,
  ): Promise<readonly ReasonCode[]> {
    for (const filter of filters) assertTopicFilter(filter);
    // Not those that begin while the server has not answered: it subscribes to their filters afterwards.
    const concerned = [...this.#active];
    const answer = this.#port.unsubscribe({
      type: PacketType.UNSUBSCRIBE,
      filters,
      ...(userProperties && { properties: { userProperties } }),
    });
    const done = answer.then(({ reasonCodes }) => {
      const gone = filters.filter((_, i) => (reasonCodes[i] ?? ReasonCode.SUCCESS) < ReasonCode.UNSPECIFIED_ERROR);
      for (const subscription of concerned) this.#withdraw(subscription, gone, null);
      return reasonCodes;
    });
    return untilAborted(done, signal);
  }

  /** The server has forgotten this subscription, and does not take it again. */
  lost(filter: string, reasonCode: ReasonCode): void {
    for (const subscription of [...this.#active]) {
      this.#withdraw(subscription, [filter], new SubscribeRefused([filter], [reasonCode]));
    }
  }

  #begin<T, P>(subscription: ActiveSubscription<T, P>): void {
    this.#active.add(subscription as ActiveSubscription<unknown, unknown>);
    this.#inbox.add(subscription);
  }

  #end<T, P>(subscription: ActiveSubscription<T, P>): void {
    this.#active.delete(subscription as ActiveSubscription<unknown, unknown>);
    this.#inbox.remove(subscription);
  }

  #withdraw<T, P>(subscription: ActiveSubscription<T, P>, filters: readonly string[], error: ClientError | null): void {
    if (!subscription.withdraw(filters, error)) this.#end(subscription);
    else this.#inbox.rematch();
  }

  async #grant<T, P>(subscription: ActiveSubscription<T, P>, request: Omit<Subscribe, 'packetId'>): Promise<void> {
    const { filters } = subscription;
    try {
      const { reasonCodes, properties } = await this.#port.subscribe(request);
      subscription.reasonCodes = reasonCodes;
      const refused = filters.filter((_, i) => (reasonCodes[i] ?? ReasonCode.SUCCESS) >= ReasonCode.UNSPECIFIED_ERROR);
      if (refused.length === filters.length) throw new SubscribeRefused(filters, reasonCodes, properties);
      this.#withdraw(subscription, refused, null);
    } catch (error) {
      this.#withdraw(subscription, filters, null);
      throw error;
    }
  }

  readonly #leave = async <T, P>(subscription: ActiveSubscription<T, P>): Promise<void> => {
    this.#active.delete(subscription as ActiveSubscription<unknown, unknown>);
    const inUse = new Set([...this.#active].flatMap(({ activeFilters }) => activeFilters));
    const filters = subscription.activeFilters.filter((filter) => !inUse.has(filter));
    try {
      if (filters.length > 0) await this.#port.unsubscribe({ type: PacketType.UNSUBSCRIBE, filters });
    } finally {
      // Until now what the server had sent before it heard of it was for the subscription, and for nobody else.
      this.#inbox.remove(subscription);
    }
  };
}

function subscribePacket(filters: readonly string[], options: SubscribeOptions): Omit<Subscribe, 'packetId'> {
  const { qos = 0, noLocal = false, retainAsPublished = false, retainHandling = 0, userProperties } = options;
  const subscriptions: SubscribeRequest[] = filters.map((filter) => {
    assertTopicFilter(filter);
    return { filter, qos, noLocal, retainAsPublished, retainHandling };
  });
  const properties: Properties = {};
  if (options.subscriptionIdentifier !== undefined) {
    properties.subscriptionIdentifiers = [options.subscriptionIdentifier];
  }
  if (userProperties !== undefined) properties.userProperties = userProperties;
  return { type: PacketType.SUBSCRIBE, subscriptions, properties };
}
