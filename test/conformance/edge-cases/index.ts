import type { ServerSection } from '../suite/section.js';

/** What the standards leave to be understood, and where brokers go wrong. */
export const EDGE_CASES: readonly ServerSection[] = [];
