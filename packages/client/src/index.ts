export { type QoS, ReasonCode } from '@cauldron/codec';
export type { Authentication, AuthenticationExchange } from './authentication.js';
export { Client, type ClientEvents, connectOver, type DisconnectOptions } from './client.js';
export { type Clock, systemClock } from './clock.js';
export { connect } from './connect.js';
export * from './errors.js';
export type {
  ConnectOptions,
  PublishOptions,
  PublishProperties,
  SubscribeOptions,
  UnsubscribeOptions,
  WillOptions,
} from './options.js';
export { type ScramOptions, scramSha256 } from './scram.js';
export { type PublishResult, Session } from './session.js';
export type { Message, MessageHandler } from './subscriptions.js';
export type { TlsOptions } from './tls-options.js';
export type { Transport, TransportEvents, TransportFactory } from './transport.js';
