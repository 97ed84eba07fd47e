import type { ServerSection } from '../suite/section.js';
import { authOutOfPlace } from './auth-out-of-place.js';
import { dollarTopics } from './dollar-topics.js';
import { emptyLevels } from './empty-levels.js';
import { flowControl } from './flow-control.js';
import { messageExpiry } from './message-expiry.js';
import { mqtt31 } from './mqtt-3.1.js';
import { overlappingSubscriptions } from './overlapping-subscriptions.js';
import { packetIds } from './packet-ids.js';
import { packetSizes } from './packet-sizes.js';
import { payloadFormat } from './payload-format.js';
import { properties } from './properties.js';
import { refusedSubscriptions } from './refused-subscriptions.js';
import { replacedSubscriptions } from './replaced-subscriptions.js';
import { requestResponse } from './request-response.js';
import { retainedMessages } from './retained-messages.js';
import { serverKeepAlive } from './server-keep-alive.js';
import { sessionExpiry } from './session-expiry.js';
import { sessionPresent } from './session-present.js';
import { sharedSubscriptions } from './shared-subscriptions.js';
import { takeOver } from './take-over.js';
import { topicAliases } from './topic-aliases.js';
import { willDelay } from './will-delay.js';

/** What the standards leave to be understood, and where brokers go wrong. */
export const EDGE_CASES: readonly ServerSection[] = [
  mqtt31,
  sessionPresent,
  sessionExpiry,
  willDelay,
  takeOver,
  serverKeepAlive,
  requestResponse,
  authOutOfPlace,
  retainedMessages,
  packetIds,
  flowControl,
  topicAliases,
  packetSizes,
  messageExpiry,
  payloadFormat,
  properties,
  emptyLevels,
  dollarTopics,
  overlappingSubscriptions,
  replacedSubscriptions,
  refusedSubscriptions,
  sharedSubscriptions,
];
