import { describe } from 'vitest';
import { areInstalled } from '../support/programs.js';
import { describeLink } from './link.js';
import {
  connectInMemory,
  connectTcp,
  connectThroughProxy,
  connectTls,
  connectUnix,
  connectWebSocket,
  connectWebSocketOverTls,
  connectWebSocketOverUnix,
  connectWebSocketThroughProxy,
} from './link-peers.js';

describeLink('TCP, read in place', () => connectTcp('in-place'));
describeLink('TCP, read by events', () => connectTcp('events'));
describeLink('WebSocket, read in place', () => connectWebSocket('in-place'));
describeLink('WebSocket, read by events', () => connectWebSocket('events'));
describeLink('a Unix socket, read in place', () => connectUnix('in-place'));
describeLink('a Unix socket, read by events', () => connectUnix('events'));
describeLink('WebSocket and a Unix socket', connectWebSocketOverUnix);
describeLink('TCP through a proxy, read in place', () => connectThroughProxy('in-place'));
describeLink('TCP through a proxy, read by events', () => connectThroughProxy('events'));
describeLink('WebSocket through a proxy, read in place', () => connectWebSocketThroughProxy('in-place'));
describeLink('WebSocket through a proxy, read by events', () => connectWebSocketThroughProxy('events'));
describeLink('memory', connectInMemory);

describe.skipIf(!areInstalled('openssl'))('with TLS', () => {
  describeLink('TCP with TLS 1.2', () => connectTls('TLSv1.2'));
  describeLink('TCP with TLS 1.3', () => connectTls('TLSv1.3'));
  describeLink('WebSocket with TLS', connectWebSocketOverTls);
});
