import { describe } from 'vitest';
import { areInstalled } from '../support/programs.js';
import { describeLink } from './link.js';
import { connectInMemory, connectTcp, connectTls, connectWebSocket, connectWebSocketOverTls } from './link-peers.js';

describeLink('TCP, read in place', () => connectTcp('in-place'));
describeLink('TCP, read by events', () => connectTcp('events'));
describeLink('WebSocket, read in place', () => connectWebSocket('in-place'));
describeLink('WebSocket, read by events', () => connectWebSocket('events'));
describeLink('memory', connectInMemory);

describe.skipIf(!areInstalled('openssl'))('with TLS', () => {
  describeLink('TCP with TLS 1.2', () => connectTls('TLSv1.2'));
  describeLink('TCP with TLS 1.3', () => connectTls('TLSv1.3'));
  describeLink('WebSocket with TLS', connectWebSocketOverTls);
});
