import type { ServerSection } from '../suite/section.js';
import { flowControl } from './flow-control.js';
import { messageExpiry } from './message-expiry.js';
import { packetIds } from './packet-ids.js';
import { packetSizes } from './packet-sizes.js';
import { payloadFormat } from './payload-format.js';
import { properties } from './properties.js';
import { retainedMessages } from './retained-messages.js';
import { topicAliases } from './topic-aliases.js';

/** What the standards leave to be understood, and where brokers go wrong. */
export const EDGE_CASES: readonly ServerSection[] = [
  retainedMessages,
  packetIds,
  flowControl,
  topicAliases,
  packetSizes,
  messageExpiry,
  payloadFormat,
  properties,
];
