import { Deadlines } from './deadlines.js';

/** How long an ended connection may take to send what is left and to be closed by its peer, before it is cut. */
export const LINGER_MS = 5000;

interface Destroyable {
  destroy(): void;
}

/**
 * Connections that were ended and are not closed yet. A peer that reads nothing and closes nothing could hold them for
 * ever.
 */
export const lingeringLinks = new Deadlines<Destroyable>(LINGER_MS, (link) => link.destroy());
