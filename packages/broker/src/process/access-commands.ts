import { setImmediate } from 'node:timers/promises';
import type { AccessQuestion } from '../server/explain-access.js';
import type { Server } from '../server/server.js';
import type { ControlRequest, ControlResult } from './control-protocol.js';
import type { ControlCommands } from './control-server.js';

/** Accesses that are said before others have their turn. */
const ACCESSES_IN_ONE_GO = 200;

/** Lets rights be asked about through the control socket: `accesses`, `explain`. */
export function addAccessCommands(commands: ControlCommands, server: Server): void {
  commands.add('accesses', (_request, say) => sayAccesses(server, say));
  commands.add('explain', async (request) => {
    const { allowed, rule } = await server.explain(questionFrom(request));
    return { allowed, rule };
  });
}

/** Each access of the last hour as a line of JSON, the oldest first. In between, the broker goes on. */
async function sayAccesses(server: Server, say: (line: string) => Promise<void>): Promise<ControlResult> {
  const accesses = server.accesses.recent();
  for (const [i, access] of accesses.entries()) {
    await say(JSON.stringify(access));
    if (i % ACCESSES_IN_ONE_GO === ACCESSES_IN_ONE_GO - 1) await setImmediate();
  }
  return { count: accesses.length };
}

/** @throws Error when it is no question */
function questionFrom({ username, clientId, action, topic, port = null }: ControlRequest): AccessQuestion {
  if (username !== undefined && typeof username !== 'string') throw new Error('A username is a text.');
  if (typeof clientId !== 'string') throw new Error('A clientId is a text.');
  if (typeof topic !== 'string' || topic === '') throw new Error('A topic is a text.');
  if (action !== 'read' && action !== 'write' && action !== 'subscribe') {
    throw new Error('An action is read, write or subscribe.');
  }
  if (port !== null && typeof port !== 'number') throw new Error('A port is a number.');
  return { username, clientId, action, topic, port };
}
