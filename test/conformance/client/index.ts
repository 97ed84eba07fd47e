import type { ClientSection } from '../suite/section.js';
import { data } from './1.5-data.js';
import { packetFormat } from './2-packet-format.js';

/** Every statement that binds the client, proven on this product's client library. */
export const CLIENT_SECTIONS: readonly ClientSection[] = [data, packetFormat];
