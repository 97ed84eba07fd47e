export { connect, startClient, transportTo } from './connect-browser.js';
export { indexedDbOutbox } from './outboxes/indexed-db-outbox.js';
export * from './portable.js';
