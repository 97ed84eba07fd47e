/** Unpredictable bytes, passed in so that tests repeat. */
export interface Random {
  bytes(length: number): Uint8Array;
}
