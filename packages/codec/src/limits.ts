/**
 * Bounds of the decoder. A byte on the wire may cost fifty in memory once it is an object, so a packet that keeps to the
 * maximum packet size could still exhaust the process; each of these names one list in a packet that could be so abused.
 * They are far above what an honest peer sends. A packet that exceeds one is refused with QUOTA_EXCEEDED.
 */

/** User properties in one set of properties (a will has its own). An empty one is five bytes on the wire. */
export const MAX_USER_PROPERTIES = 10_000;

/** Subscription identifiers in one PUBLISH. A server sends one for each subscription of the client that matched. */
export const MAX_SUBSCRIPTION_IDENTIFIERS = 10_000;

/** Topic filters in one SUBSCRIBE or UNSUBSCRIBE: each is an object, and work for the subscription tree. */
export const MAX_FILTERS_PER_PACKET = 100_000;
