import { type Client, type ConnectOptions, connect, type Message, type SubscribeOptions } from '@cauldron/client';
import { ReasonCode, reasonName, topicMatches } from '@cauldron/codec';
import { type FlagTable, UsageError, type Values } from './command-line/arguments.js';
import { BatchedOutput } from './command-line/batched-output.js';
import { COMMON_FLAGS, runTool, type Tool } from './command-line/tool.js';
import {
  CONNECTION_FLAGS,
  type ConnectionTarget,
  checkedTopicFilter,
  connectionTarget,
  qosOf,
} from './connection/connection-flags.js';
import { DebugLog } from './connection/debug-log.js';
import { describeFailure } from './connection/failure.js';

const FLAGS = {
  topics: {
    short: '-t',
    long: '--topic',
    kind: 'list',
    value: 'FILTER',
    doc: 'Topic filter to subscribe to, with + and # as wildcards. Can be repeated.',
  },
  verbose: { short: '-v', long: '--verbose', kind: 'switch', doc: 'Prints the topic before each message.' },
  qos: {
    short: '-q',
    long: '--qos',
    kind: 'integer',
    value: 'QOS',
    lowest: 0,
    highest: 2,
    doc: 'The highest QoS in which messages are to come. Default 0.',
  },
  count: {
    short: '-C',
    kind: 'integer',
    value: 'COUNT',
    lowest: 1,
    highest: 2_147_483_647,
    doc: 'Ends after this many messages.',
  },
  timeout: {
    short: '-W',
    kind: 'integer',
    value: 'SECONDS',
    lowest: 1,
    highest: 2_147_483,
    doc: 'Ends after this time, with exit status 27.',
  },
  exitAfterSubscribe: {
    short: '-E',
    kind: 'switch',
    doc: 'Ends as soon as the broker has answered the subscriptions.',
  },
  noNewline: { short: '-N', kind: 'switch', doc: 'No line end after each message.' },
  noRetained: { short: '-R', kind: 'switch', doc: 'Leaves out messages that were retained.' },
  filterOut: {
    short: '-T',
    long: '--filter-out',
    kind: 'list',
    value: 'FILTER',
    doc: 'Leaves out messages of matching topics. Can be repeated.',
  },
  unsubscribe: {
    short: '-U',
    long: '--unsubscribe',
    kind: 'list',
    value: 'FILTER',
    doc: 'Ends a subscription of a kept session. Can be repeated.',
  },
  ...CONNECTION_FLAGS,
  ...COMMON_FLAGS,
} as const satisfies FlagTable;

type SubValues = Values<typeof FLAGS>;

const TOOL: Tool<typeof FLAGS> = {
  name: 'sub',
  summary: 'Subscribes to topics of an MQTT broker, and prints the messages.',
  usage: '[-h HOST] [-p PORT] -t FILTER [-t FILTER ...] [options]',
  examples: ["-v -t 'garden/#'", '-t garden/temperature -C 1 -W 10', '-i logger -c -q 1 -t garden/log > log.txt'],
  flags: FLAGS,
};

/** The exit status of Mosquitto's tools for `-W`. */
const TIMEOUT_EXIT_CODE = 27;
/** The exit status of Mosquitto's library for an error of the system. */
const OUTPUT_EXIT_CODE = 14;
/** The exit status of Mosquitto's library for a refusal by access rules. */
const DENIED_EXIT_CODE = 12;

/** `cauldron sub`. @param argv without the name of the command. @returns the exit status */
export function runSub(argv: string[]): Promise<number> {
  return runTool(TOOL, argv, sub);
}

function sub(values: SubValues): Promise<number> {
  const target = connectionTarget(values);
  const topics = [...(values.topics ?? [])];
  if (target.topic !== null) topics.push(target.topic);
  if (topics.length === 0 && values.unsubscribe === undefined) {
    throw new UsageError('You must specify a topic to subscribe to (-t)');
  }
  for (const filter of [...topics, ...(values.filterOut ?? []), ...(values.unsubscribe ?? [])]) {
    checkedTopicFilter(filter);
  }
  return new Subscriber(values, target, topics).run();
}

/** One run of the tool: it ends by count, time, signal, a closed pipe, or because the connection does. */
class Subscriber {
  readonly #values: SubValues;
  readonly #target: ConnectionTarget;
  readonly #topics: readonly string[];
  readonly #output = new BatchedOutput(process.stdout);
  /** Ends an attempt to connect. */
  readonly #connecting = new AbortController();
  #client: Client | null = null;
  #printed = 0;
  /** Set once the run is to end. */
  #exitCode: number | null = null;

  constructor(values: SubValues, target: ConnectionTarget, topics: readonly string[]) {
    this.#values = values;
    this.#target = target;
    this.#topics = topics;
  }

  async run(): Promise<number> {
    const { timeout, debug } = this.#values;
    const timer = timeout === undefined ? undefined : setTimeout(this.#timeOut, timeout * 1_000);
    process.once('SIGINT', this.#interrupt);
    process.once('SIGTERM', this.#interrupt);
    this.#output.onGone = this.#outputGone;
    this.#output.onFull = () => this.#client?.pause();
    this.#output.onRoom = () => this.#client?.resume();
    const log = debug ? new DebugLog((line) => this.#output.writeText(line)) : null;
    const options: ConnectOptions = {
      ...this.#target.options,
      onMessage: this.#receive,
      signal: this.#connecting.signal,
      trace: log === null ? null : log.trace.bind(log),
    };
    try {
      const client = await connect(this.#target.url, options);
      this.#client = client;
      if (this.#exitCode === null) await this.#subscribe(client);
      const error = await client.closed;
      if (this.#exitCode === null && error !== null) throw error;
      return this.#exitCode ?? 0;
    } catch (error) {
      if (this.#exitCode !== null) return this.#exitCode;
      const { text, exitCode } = describeFailure(error, this.#target.url);
      this.#complain(text);
      return exitCode;
    } finally {
      await this.#client?.disconnect();
      clearTimeout(timer);
      process.off('SIGINT', this.#interrupt);
      process.off('SIGTERM', this.#interrupt);
      await this.#output.end();
    }
  }

  async #subscribe(client: Client): Promise<void> {
    const { unsubscribe, qos, exitAfterSubscribe } = this.#values;
    const { subscribe: properties, unsubscribe: unsubscribeProperties } = this.#target.properties;
    const [subscriptionIdentifier] = properties.subscriptionIdentifiers ?? [];
    const { userProperties } = properties;
    const options: SubscribeOptions = {
      qos: qosOf(qos),
      ...(subscriptionIdentifier !== undefined && { subscriptionIdentifier }),
      ...(userProperties && { userProperties }),
    };
    const answers: Promise<readonly ReasonCode[]>[] = [];
    if (this.#topics.length > 0) answers.push(client.subscribe(this.#topics, options));
    if (unsubscribe !== undefined) {
      const { userProperties } = unsubscribeProperties;
      answers.push(client.unsubscribe(unsubscribe, { ...(userProperties && { userProperties }) }));
    }
    const [codes] = await Promise.all(answers);
    if (this.#topics.length > 0 && this.#denied(codes)) this.#leave(DENIED_EXIT_CODE);
    else if (exitAfterSubscribe) this.#leave(0);
  }

  /** @returns whether every subscription was refused */
  #denied(codes: readonly ReasonCode[]): boolean {
    const refused = codes.filter((code) => code >= ReasonCode.UNSPECIFIED_ERROR).length;
    if (refused === codes.length) {
      this.#complain('All subscription requests were denied.\n');
      return true;
    }
    codes.forEach((code, i) => {
      if (code < ReasonCode.UNSPECIFIED_ERROR) return;
      this.#complain(`Warning: The subscription to ${this.#topics[i]} was denied: ${reasonName(code)}.\n`);
    });
    return false;
  }

  readonly #receive = (message: Message, client: Client): void => {
    if (this.#exitCode !== null) return;
    const { noRetained, filterOut, count } = this.#values;
    if (noRetained && message.retain) return;
    if (filterOut?.some((filter) => topicMatches(filter, message.topic))) return;
    this.#print(message);
    this.#printed++;
    if (this.#printed !== count) return;
    // At once: the messages behind this one are not acknowledged, and stay with the broker.
    this.#client = client;
    this.#leave(0);
  };

  /** Byte for byte as mosquitto_sub: an empty message shows only with -v, and not at all with -N. */
  #print({ topic, payload }: Message): void {
    const { verbose, noNewline } = this.#values;
    if (payload.length === 0) {
      if (verbose && !noNewline) this.#output.writeText(`${topic} (null)\n`);
      return;
    }
    if (verbose) this.#output.writeText(`${topic} `);
    this.#output.writeBytes(payload);
    if (!noNewline) this.#output.writeText('\n');
  }

  /** `sub | head` ends quietly; a full disk does not. */
  readonly #outputGone = ({ code, message }: NodeJS.ErrnoException): void => {
    if (code !== 'EPIPE') this.#complain(`Error: The messages cannot be written: ${message}\n`);
    this.#leave(code === 'EPIPE' ? 0 : OUTPUT_EXIT_CODE);
  };

  readonly #timeOut = (): void => {
    this.#complain('Timed out\n');
    this.#leave(TIMEOUT_EXIT_CODE, ReasonCode.DISCONNECT_WITH_WILL);
  };

  readonly #interrupt = (): void => this.#leave(0, ReasonCode.DISCONNECT_WITH_WILL);

  #leave(exitCode: number, reasonCode: ReasonCode = ReasonCode.SUCCESS): void {
    this.#exitCode ??= exitCode;
    if (this.#client === null) this.#connecting.abort();
    else void this.#client.disconnect({ reasonCode, properties: this.#target.properties.disconnect });
  }

  #complain(text: string): void {
    if (!this.#values.quiet) process.stderr.write(text);
  }
}
