import type { Environment } from './environment.js';
import { partOf, sessionNumber } from './keys.js';
import { QueueChunk } from './queue-chunk.js';
import { readerOf, readSession } from './records.js';
import type { SessionState } from './session-state.js';

/** What must be in memory of the sessions of a file. */
export interface LoadedSessions {
  /** By client id. */
  readonly sessions: Map<string, SessionState>;
  /** Those that are over, and not all gone. */
  readonly leaving: SessionState[];
  /** The highest that was given to a session. */
  readonly lastNumber: number;
}

/** Called once, when a file is opened. @throws Error when the file is damaged */
export function loadSessions(
  environment: Environment,
  newState: (clientId: string, number: number) => SessionState,
): LoadedSessions {
  const sessions = new Map<string, SessionState>();
  const leaving: SessionState[] = [];
  const byNumber = new Map<number, SessionState>();
  let lastNumber = 0;
  const add = (clientId: string, number: number): SessionState => {
    const session = newState(clientId, number);
    byNumber.set(number, session);
    lastNumber = Math.max(lastNumber, number);
    return session;
  };
  for (const { value } of environment.all('sessions')) {
    const { number, record } = readSession(value);
    sessions.set(record.clientId, add(record.clientId, number));
  }
  for (const { key, value } of environment.all('leaving')) {
    const number = sessionNumber(key);
    leaving.push(add(readerOf(value, 'a session that is over').text('its client id'), number));
  }
  const owner = (key: Buffer): SessionState => {
    const session = byNumber.get(sessionNumber(key));
    if (session === undefined) throw new Error(`there are parts of session ${sessionNumber(key)}, which is not there`);
    return session;
  };
  const windows = new Set<SessionState>();
  for (const { key, value } of environment.all('inflight')) {
    const session = owner(key);
    session.inflight.restore(value, session.clientId);
    windows.add(session);
  }
  for (const session of windows) session.inflight.sort();
  for (const { key, value } of environment.all('inbound')) owner(key).inbound.restore(partOf(key), value);
  for (const { key, value } of environment.all('queues')) {
    const { queue } = owner(key);
    const { messages, bytes } = QueueChunk.readTotals(value);
    queue.length += messages;
    queue.bytes += bytes;
  }
  return { sessions, leaving, lastNumber };
}
