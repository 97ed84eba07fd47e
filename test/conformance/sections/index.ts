import type { ServerSection } from '../suite/section.js';
import { data } from './1.5-data.js';
import { packetFormat } from './2-packet-format.js';
import { connect } from './3.1-connect.js';
import { connectAdmission } from './3.1-connect-admission.js';
import { connectLimits } from './3.1-connect-limits.js';
import { connectSession } from './3.1-connect-session.js';
import { connectWill } from './3.1-connect-will.js';
import { connack } from './3.2-connack.js';
import { publish } from './3.3-publish.js';
import { publishDelivery } from './3.3-publish-delivery.js';
import { publishProperties } from './3.3-publish-properties.js';
import { publishRetain } from './3.3-publish-retain.js';
import { publishTopicAlias } from './3.3-publish-topic-alias.js';
import { puback } from './3.4-puback.js';
import { pubrec } from './3.5-pubrec.js';
import { pubrel } from './3.6-pubrel.js';
import { pubcomp } from './3.7-pubcomp.js';
import { subscribe } from './3.8-subscribe.js';
import { subscribeOptions } from './3.8-subscribe-options.js';
import { suback } from './3.9-suback.js';
import { unsubscribe } from './3.10-unsubscribe.js';
import { unsuback } from './3.11-unsuback.js';
import { pingreq } from './3.12-pingreq.js';
import { disconnect } from './3.14-disconnect.js';
import { auth } from './3.15-auth.js';
import { sessionState } from './4.1-session-state.js';
import { networkConnections } from './4.2-network-connections.js';
import { qualityOfService } from './4.3-quality-of-service.js';
import { qualityOfService2 } from './4.3-quality-of-service-2.js';
import { deliveryRetry } from './4.4-delivery-retry.js';
import { messageReceipt } from './4.5-message-receipt.js';
import { ordering } from './4.6-ordering.js';
import { topics } from './4.7-topics.js';
import { sharedSubscriptions } from './4.8-shared-subscriptions.js';
import { flowControl } from './4.9-flow-control.js';
import { enhancedAuthentication } from './4.12-enhanced-authentication.js';
import { errors } from './4.13-errors.js';
import { webSocket } from './6-websocket.js';
import { conformance } from './7-conformance.js';

/** Every statement that binds the server, in the order of the standard. */
export const SERVER_SECTIONS: readonly ServerSection[] = [
  data,
  packetFormat,
  connect,
  connectAdmission,
  connectSession,
  connectWill,
  connectLimits,
  connack,
  publish,
  publishRetain,
  publishProperties,
  publishTopicAlias,
  publishDelivery,
  puback,
  pubrec,
  pubrel,
  pubcomp,
  subscribe,
  subscribeOptions,
  suback,
  unsubscribe,
  unsuback,
  pingreq,
  disconnect,
  auth,
  sessionState,
  networkConnections,
  qualityOfService,
  qualityOfService2,
  deliveryRetry,
  messageReceipt,
  ordering,
  topics,
  sharedSubscriptions,
  flowControl,
  enhancedAuthentication,
  errors,
  webSocket,
  conformance,
];
