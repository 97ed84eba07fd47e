export * from './constants.js';
export * from './framer.js';
export * from './packets.js';
export * from './protocol-error.js';
export * from './reason-codes.js';
