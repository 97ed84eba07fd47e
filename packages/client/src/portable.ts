// What is the same in Node and in browsers.
export { type QoS, ReasonCode } from '@cauldron/codec';
export type { Authentication, AuthenticationExchange } from './authentication/authentication.js';
export { type ScramOptions, scramSha256 } from './authentication/scram.js';
export { Client, type DisconnectOptions } from './client.js';
export { type Clock, systemClock } from './clock.js';
export { connectOver } from './connect-over.js';
export type { Counters } from './counters.js';
export * from './errors.js';
export type { ClientEvents, ClientState } from './events.js';
export type { Listeners } from './listeners.js';
export type { NetworkOptions } from './network-options.js';
export type {
  ConnectOptions,
  PublishOptions,
  PublishProperties,
  SubscribeOptions,
  UnsubscribeOptions,
  WillOptions,
} from './options.js';
export type { Outbox, OutboxRecord } from './outbox.js';
export { OutboxDamaged, OutboxError } from './outboxes/outbox-error.js';
export type { ServerUrls } from './platform.js';
export type { BirthOptions, PresenceOptions } from './reconnection/presence.js';
export type { ReconnectOptions } from './reconnection/reconnect.js';
export type { PublishResult } from './session/outgoing-message.js';
export { Session } from './session/session.js';
export { Message, type NoParams } from './subscriptions/message.js';
export { bytes, json, type PayloadCodec, type PayloadType, text } from './subscriptions/payload-codec.js';
export {
  type RequestOptions,
  RequestTimeout,
  type Responder,
  type WithCodec,
} from './subscriptions/request-response.js';
export {
  PayloadInvalid,
  type SchemaInput,
  type SchemaOutput,
  type StandardIssue,
  type StandardResult,
  type StandardSchema,
} from './subscriptions/standard-schema.js';
export type { MessageHandler, Subscription } from './subscriptions/subscription.js';
export { type ConcreteTopic, type TopicParams, TypedTopic, topic } from './subscriptions/typed-topic.js';
export type { TlsOptions } from './tls-options.js';
export type { Transport, TransportEvents, TransportFactory } from './transport.js';
