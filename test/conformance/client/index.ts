import type { ClientSection } from '../suite/section.js';

/** Every statement that binds the client, proven on this product's client library. */
export const CLIENT_SECTIONS: readonly ClientSection[] = [];
