import type { ServerSection } from '../suite/section.js';
import { publish } from './3.3-publish.js';
import { publishDelivery } from './3.3-publish-delivery.js';
import { publishProperties } from './3.3-publish-properties.js';
import { publishRetain } from './3.3-publish-retain.js';
import { publishTopicAlias } from './3.3-publish-topic-alias.js';
import { puback } from './3.4-puback.js';
import { pubrec } from './3.5-pubrec.js';
import { pubrel } from './3.6-pubrel.js';
import { pubcomp } from './3.7-pubcomp.js';
import { pingreq } from './3.12-pingreq.js';

/** Every statement that binds the server, in the order of the standard. */
export const SERVER_SECTIONS: readonly ServerSection[] = [
  publish,
  publishRetain,
  publishProperties,
  publishTopicAlias,
  publishDelivery,
  puback,
  pubrec,
  pubrel,
  pubcomp,
  pingreq,
];
