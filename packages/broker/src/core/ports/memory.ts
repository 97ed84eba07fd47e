/** What the core needs to know of the memory of its process. */
export interface Memory {
  /** Bytes in use by the heap and by buffers, garbage included. Cheap: called every second. */
  usedBytes(): number;
  /** Collects garbage now, if it can: `usedBytes` then says what is needed. Takes about a ms for each MB that is. */
  collect(): void;
}
