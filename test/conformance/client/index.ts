import type { ClientSection } from '../suite/section.js';
import { data } from './1.5-data.js';
import { packetFormat } from './2-packet-format.js';
import { connect } from './3.1-connect.js';
import { connectSession } from './3.1-connect-session.js';
import { connack } from './3.2-connack.js';

/** Every statement that binds the client, proven on this product's client library. */
export const CLIENT_SECTIONS: readonly ClientSection[] = [data, packetFormat, connect, connectSession, connack];
