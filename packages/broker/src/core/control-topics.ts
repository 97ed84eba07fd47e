import { isValidTopicName } from '@cauldron/codec';
import type { Principal } from './ports/access.js';
import type { ControlCommand, ControlEndpoint, ControlOutcome } from './ports/control.js';

/** What clients publish below it is for the broker itself, and never reaches a subscriber. */
const CONTROL = '$CONTROL/';

/** The first part of an answer about what is no command. */
const UNKNOWN_COMMAND = 'Unknown command';

/** As long as MQTT lets a payload be, in characters: more is not sent. */
const MAX_ANSWER_LENGTH = 268_435_455;

export function isControlTopic(topic: string): boolean {
  return topic.startsWith(CONTROL);
}

/** What a message to a control topic brings about. */
export interface ControlAnswer {
  /** Where it is published; null: nowhere. */
  readonly topic: string | null;
  readonly payload: string;
  /** To be called when the answer has left. */
  readonly answered: () => void;
}

interface Registered {
  readonly endpoint: ControlEndpoint;
  /** The end of the message that came last. */
  last: Promise<unknown>;
}

/**
 * The topics by which clients administer the broker (`$CONTROL/broker/v1`), as Mosquitto has them. A message is JSON,
 * `{"commands": [{"command": NAME, "correlationData"?: TEXT, ...}]}`; the answer goes to the topic with `/response` behind
 * it, `{"responses": [{"command": NAME, "error"?, "data"?, "correlationData"?}]}`.
 */
export class ControlTopics {
  readonly #registered = new Map<string, Registered>();

  /** The function that is returned ends it. @throws Error if the topic has an endpoint */
  add(topic: string, endpoint: ControlEndpoint): () => void {
    if (this.#registered.has(topic)) throw new Error(`${topic} has an endpoint already`);
    const registered = { endpoint, last: Promise.resolve() };
    this.#registered.set(topic, registered);
    return () => {
      if (this.#registered.get(topic) === registered) this.#registered.delete(topic);
    };
  }

  /** The topics that have an endpoint. */
  get topics(): Iterable<string> {
    return this.#registered.keys();
  }

  /** Does what the message says, when those that came before it are done. `text`: null if it is not UTF-8. */
  answer(client: Principal, topic: string, text: string | null): Promise<ControlAnswer> {
    const registered = this.#registered.get(topic);
    if (registered === undefined) {
      const responseTopic = `${topic}/response`;
      return Promise.resolve({
        topic: isValidTopicName(responseTopic) ? responseTopic : null,
        payload: '{"error":"endpoint not available"}',
        answered: () => {},
      });
    }
    const { endpoint, last } = registered;
    const answer = last.then(() => answerOf(endpoint, client, topic, text));
    registered.last = answer.catch(() => {});
    return answer;
  }
}

interface Response {
  command: string;
  error?: string;
  data?: Readonly<Record<string, unknown>>;
  correlationData?: string;
}

async function answerOf(
  endpoint: ControlEndpoint,
  client: Principal,
  topic: string,
  text: string | null,
): Promise<ControlAnswer> {
  const responses: Response[] = [];
  for (const command of commandsIn(text)) {
    if (typeof command === 'string') responses.push({ command: UNKNOWN_COMMAND, error: command });
    else responses.push(await respond(endpoint, client, command));
  }
  let answered = (): void => {};
  try {
    if (endpoint.settle !== undefined) answered = await endpoint.settle();
  } catch (error) {
    for (const response of responses) {
      if (response.error !== undefined || response.data !== undefined) continue;
      response.error = error instanceof Error ? error.message : String(error);
    }
  }
  const payload = JSON.stringify({ responses });
  return {
    topic: payload.length <= MAX_ANSWER_LENGTH ? `${topic}/response` : null,
    payload,
    answered,
  };
}

/** The commands of a message; a text instead of one says what is wrong with it. */
function commandsIn(text: string | null): readonly (ControlCommand | string)[] {
  let message: unknown;
  try {
    message = JSON.parse(text ?? '');
  } catch {
    return ['Payload not valid JSON'];
  }
  const commands = isObject(message) ? fieldOf(message, 'commands') : undefined;
  if (!Array.isArray(commands)) return ['Invalid/missing commands'];
  return commands.map((fields: unknown) => {
    if (!isObject(fields)) return 'Command not an object';
    const name = fieldOf(fields, 'command');
    return typeof name === 'string' ? { name, fields } : 'Missing command';
  });
}

async function respond(endpoint: ControlEndpoint, client: Principal, command: ControlCommand): Promise<Response> {
  const { name, fields } = command;
  const correlationData = fieldOf(fields, 'correlationData');
  if (correlationData !== undefined && typeof correlationData !== 'string') {
    return { command: name, error: 'Invalid correlationData data type.' };
  }
  let outcome: ControlOutcome;
  try {
    outcome = await endpoint.run(command, client);
  } catch (error) {
    outcome = { error: `Internal error: ${String(error)}` };
  }
  const response: Response = { command: name };
  if (outcome !== 'done') Object.assign(response, outcome);
  if (correlationData !== undefined) response.correlationData = correlationData;
  return response;
}

/**
 * A field by its name, in whatever case it is written if it is not there exactly: what is written for Mosquitto counts on
 * that. Null and what is inherited count as absent.
 */
export function fieldOf(object: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(object, name)) return object[name] ?? undefined;
  const lower = name.toLowerCase();
  const key = Object.keys(object).find((candidate) => candidate.toLowerCase() === lower);
  return key === undefined ? undefined : (object[key] ?? undefined);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
