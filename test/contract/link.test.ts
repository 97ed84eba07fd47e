import { describeLink } from './link.js';
import { connectInMemory, connectTcp, connectWebSocket } from './link-peers.js';

describeLink('TCP, read in place', () => connectTcp('in-place'));
describeLink('TCP, read by events', () => connectTcp('events'));
describeLink('WebSocket, read in place', () => connectWebSocket('in-place'));
describeLink('WebSocket, read by events', () => connectWebSocket('events'));
describeLink('memory', connectInMemory);
