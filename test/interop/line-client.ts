import { createInterface } from 'node:readline';
import { RunningProgram } from '../support/running-program.js';
import type { Received } from './inbox.js';
import type { MessageProperties, SubjectClient, SubjectMessage, SubjectOptions } from './matrix.js';

/** Property identifiers of MQTT 5.0. */
const CONTENT_TYPE = '3';
const RESPONSE_TOPIC = '8';
const CORRELATION_DATA = '9';
const USER_PROPERTY = '38';

/**
 * A client in a language of its own, which a program makes usable by lines of text. The program is called with HOST PORT
 * VERSION CLIENT_ID and knows these commands:
 *
 * | command | prints, when it is done |
 * |---|---|
 * | `will TOPIC QOS RETAIN TEXT` | nothing; comes before `connect` |
 * | `connect CLEAN TRANSPORT [CA_FILE]` | `connected SESSION_PRESENT` |
 * | `subscribe FILTER QOS` | `subscribed QOS`: what the broker has granted |
 * | `property IDENTIFIER VALUE` | nothing; belongs to the next `publish` |
 * | `publish TOPIC QOS RETAIN TEXT` | `published`, when what the QoS promises is fulfilled |
 * | `disconnect` | `disconnected`, and ends |
 *
 * By itself it prints `received TOPIC QOS RETAIN TEXT`, after a line `property IDENTIFIER VALUE` for each property that
 * a message has, and `lost` when the connection ends without its doing. Flags are 0 or 1, TRANSPORT is `tcp`, `ws` or
 * `tls`, identifiers of properties are those of the standard, the value of a user property is `NAME VALUE`. What a client
 * does not tell is `-`.
 */
export class LineClient implements SubjectClient {
  sessionPresent: boolean | undefined;
  readonly #program: RunningProgram;
  readonly #output: AsyncIterator<string>;
  /** Read, and not asked for yet: messages, and other lines. */
  readonly #messages: SubjectMessage[] = [];
  readonly #lines: string[] = [];
  /** They belong to the next message. */
  readonly #properties: [identifier: string, value: string][] = [];

  private constructor(program: RunningProgram) {
    const { stdout } = program.process;
    if (stdout === null) throw new Error('The program has no output');
    this.#program = program;
    this.#output = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  /** `command`: the program with what stands before its own arguments. */
  static async connect(command: readonly [string, ...string[]], options: SubjectOptions): Promise<LineClient> {
    const { port, version, clientId, clean, transport, caFile = '', will } = options;
    const [path, ...first] = command;
    const program = new RunningProgram(path, [...first, '127.0.0.1', String(port), String(version), clientId]);
    const client = new LineClient(program);
    if (will !== undefined) client.#send('will', message(will));
    client.#send('connect', `${Number(clean)} ${transport} ${caFile}`);
    const [, present] = (await client.#line('connected')).split(' ');
    client.sessionPresent = present === '-' ? undefined : present === '1';
    return client;
  }

  async subscribe(filter: string, qos: number): Promise<void> {
    this.#send('subscribe', `${filter} ${qos}`);
    const line = await this.#line('subscribed');
    if (line !== `subscribed ${qos}` && line !== 'subscribed -') throw new Error(`QoS ${qos} was asked for: ${line}`);
  }

  async publish(sent: Received, properties?: MessageProperties): Promise<void> {
    if (properties !== undefined) {
      this.#send('property', `${CONTENT_TYPE} ${properties.contentType}`);
      this.#send('property', `${RESPONSE_TOPIC} ${properties.responseTopic}`);
      this.#send('property', `${CORRELATION_DATA} ${properties.correlationData}`);
      for (const pair of properties.userProperties) this.#send('property', `${USER_PROPERTY} ${pair.join(' ')}`);
    }
    this.#send('publish', message(sent));
    await this.#line('published');
  }

  async next(): Promise<SubjectMessage> {
    for (;;) {
      const first = this.#messages.shift();
      if (first !== undefined) return first;
      await this.#read('received');
    }
  }

  async lost(): Promise<void> {
    await this.#line('lost');
  }

  async disconnect(): Promise<void> {
    this.#send('disconnect', '');
    await this.#line('disconnected');
    const { exitCode, stderr } = await this.#program.ended;
    if (exitCode !== 0 || stderr !== '') throw new Error(`It ended with ${exitCode}: ${stderr}`);
  }

  async kill(): Promise<void> {
    await this.#program.stop('SIGKILL');
  }

  #send(command: string, rest: string): void {
    this.#program.process.stdin?.write(`${command} ${rest}\n`);
  }

  /** The next line that begins with this word; lines before it stay for later. */
  async #line(word: string): Promise<string> {
    for (;;) {
      const at = this.#lines.findIndex((line) => line.split(' ', 1)[0] === word);
      if (at >= 0) return this.#lines.splice(at, 1)[0];
      await this.#read(word);
    }
  }

  /** Takes one more line. */
  async #read(wanted: string): Promise<void> {
    const { value, done } = await this.#output.next();
    if (done) throw new Error(`The program ended, and "${wanted}" did not come: ${this.#program.shown}`);
    const [, identifier, property] = /^property (\d+) (.*)$/.exec(value) ?? [];
    const [, topic, qos, retain, text] = /^received (\S+) ([012]) ([01]) (.*)$/.exec(value) ?? [];
    if (identifier !== undefined) this.#properties.push([identifier, property]);
    else if (topic !== undefined) {
      const message = { topic, text, qos: Number(qos), retain: retain === '1' };
      const properties = messageProperties(this.#properties.splice(0));
      this.#messages.push(properties === undefined ? message : { ...message, properties });
    } else this.#lines.push(value);
  }
}

function messageProperties(all: readonly (readonly [string, string])[]): MessageProperties | undefined {
  if (all.length === 0) return undefined;
  const values = (wanted: string) => all.filter(([identifier]) => identifier === wanted).map(([, value]) => value);
  return {
    contentType: values(CONTENT_TYPE).join(),
    responseTopic: values(RESPONSE_TOPIC).join(),
    correlationData: values(CORRELATION_DATA).join(),
    userProperties: values(USER_PROPERTY).map((pair) => {
      const [name, value] = pair.split(' ');
      return [name, value];
    }),
  };
}

function message({ topic, qos, retain, text }: Received): string {
  return `${topic} ${qos} ${Number(retain)} ${text}`;
}
