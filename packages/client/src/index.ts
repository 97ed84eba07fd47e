export { type QoS, ReasonCode } from '@cauldron/codec';
export type { Authentication, AuthenticationExchange } from './authentication.js';
export { Client, connectOver, type DisconnectOptions } from './client.js';
export { type Clock, systemClock } from './clock.js';
export { connect, startClient } from './connect.js';
export type { Counters } from './counters.js';
export * from './errors.js';
export type { ClientEvents, ClientState } from './events.js';
export type { Listeners } from './listeners.js';
export { Message, type NoParams } from './message.js';
export type {
  ConnectOptions,
  PublishOptions,
  PublishProperties,
  SubscribeOptions,
  UnsubscribeOptions,
  WillOptions,
} from './options.js';
export type { ReconnectOptions } from './reconnect.js';
export { type ScramOptions, scramSha256 } from './scram.js';
export { type PublishResult, Session } from './session.js';
export type { MessageHandler, Subscription } from './subscription.js';
export type { TlsOptions } from './tls-options.js';
export type { Transport, TransportEvents, TransportFactory } from './transport.js';
