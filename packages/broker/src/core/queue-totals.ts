/** What waits in the queues of all sessions of a broker, for reports. The queues themselves keep it up to date. */
export class QueueTotals {
  /** Messages that only memory has; those in the store are for the store to count. */
  unstoredMessages = 0;
  /** Bytes as `Message.bytes` has them, of all messages, once for each session that waits. */
  bytes = 0;
}
