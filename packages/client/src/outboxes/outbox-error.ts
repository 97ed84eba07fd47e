import { ClientError } from '../errors.js';

/** An outbox cannot be read or written; `cause` is the system's error, if there was one. */
export class OutboxError extends ClientError {
  override readonly name: string = 'OutboxError';
}

/** What was stored is not what an outbox writes: another kind of file, or one that was damaged. */
export class OutboxDamaged extends OutboxError {
  override readonly name = 'OutboxDamaged';
}
