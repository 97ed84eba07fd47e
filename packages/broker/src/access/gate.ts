import type { Admission, Credentials } from '../core/ports/access.js';

/**
 * One way in, such as a password file. Several stand in a row for a listener; the first that knows something about a client
 * decides.
 */
export interface Gate {
  /** For `cauldron acl explain` and the log: `password_file /etc/cauldron/passwords`. */
  readonly name: string;
  /**
   * Null: it has nothing to say about this client, and the next one is asked. Never throws or rejects: what cannot be
   * decided is a refusal. With `credentials.provenBy` the name is proven already, and the question is whether the user exists.
   */
  authenticate(credentials: Credentials): Admission | null | Promise<Admission | null>;
}
