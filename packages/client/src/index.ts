export { connect, startClient, transportTo } from './connect.js';
export { fileOutbox } from './outboxes/file-outbox.js';
export * from './portable.js';
