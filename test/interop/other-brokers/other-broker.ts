import type { ConnectOptions } from '@cauldron/client';

/** A broker that is not ours, on a free port of 127.0.0.1. */
export interface OtherBroker {
  readonly port: number;
  /** What a client has to say to be let in. */
  readonly credentials: Pick<ConnectOptions, 'username' | 'password'>;
  stop(): Promise<void>;
}
