import {
  type Client,
  type ConnectOptions,
  type Message,
  type SubscribeOptions,
  SubscribeRefused,
} from '@cauldron/client';
import { NEVER_EXPIRES, ReasonCode, type RetainHandling, reasonName } from '@cauldron/codec';
import { UsageError, type Values } from '../command-line/arguments.js';
import { BatchedOutput } from '../command-line/batched-output.js';
import { type ConnectionTarget, qosOf } from '../connection/connection-flags.js';
import { DebugLog } from '../connection/debug-log.js';
import { describeFailure } from '../connection/failure.js';
import { openConnection } from '../connection/open-connection.js';
import type { RecordingWriter } from '../recording/recording-writer.js';
import { MessageFilter } from './message-filter.js';
import type { Printer } from './printer.js';
import { printerOf } from './printer-of.js';
import { sinceMs } from './since.js';
import type { SUB_FLAGS } from './sub-flags.js';

type SubValues = Values<typeof SUB_FLAGS>;

/** The exit status of Mosquitto's tools for `-W`. */
const TIMEOUT_EXIT_CODE = 27;
/** The exit status of Mosquitto's library for an error of the system. */
const OUTPUT_EXIT_CODE = 14;
/** The exit status of Mosquitto's library for a refusal by access rules. */
const DENIED_EXIT_CODE = 12;

const RETAIN_HANDLING: Readonly<Record<string, RetainHandling>> = { always: 0, new: 1, never: 2 };
/** Mosquitto's program tries again each second; this one waits longer when the broker is away for longer. */
const RECONNECT = { minDelayMs: 1_000, maxDelayMs: 30_000 };

/** One run of the tool: it ends by count, time, signal, a closed pipe, or because the connection does for good. */
export class Subscriber {
  readonly #values: SubValues;
  readonly #target: ConnectionTarget;
  readonly #topics: readonly string[];
  readonly #output = new BatchedOutput(process.stdout);
  readonly #filter: MessageFilter;
  /** Ends an attempt to connect. */
  readonly #connecting = new AbortController();
  #printer: Printer | null = null;
  /** The printer shows something: the broker has answered. */
  #isShowing = false;
  #recorder: RecordingWriter | null = null;
  #client: Client | null = null;
  #taken = 0;
  /** What waits to be said until the printer is done with the terminal. */
  #unsaid = '';
  /** Outputs whose reader is slower than the messages come. */
  #fullOutputs = 0;
  /** Set once the run is to end. */
  #exitCode: number | null = null;

  /** @throws UsageError */
  constructor(values: SubValues, target: ConnectionTarget, topics: readonly string[]) {
    const { filterOut, noRetained, retainedOnly, randomFilter, since, changes } = values;
    if (noRetained && retainedOnly) throw new UsageError("Combining '-R' and '--retained-only' makes no sense");
    if (randomFilter !== undefined && randomFilter > 100) {
      throw new UsageError('--random-filter is a number from 0.1 to 100');
    }
    this.#values = values;
    this.#target = target;
    this.#topics = topics;
    this.#output.onGone = this.#outputGone;
    this.#output.onFull = this.#hold;
    this.#output.onRoom = this.#goOn;
    this.#filter = new MessageFilter({
      filterOut,
      noRetained,
      sinceMs: since === undefined ? undefined : sinceMs(since, Date.now()),
      changes,
    });
  }

  /** @returns the exit status. @throws (rejects) UsageError */
  async run(): Promise<number> {
    const { timeout } = this.#values;
    const printer = await printerOf(this.#values, {
      output: this.#output,
      isTerminal: process.stdout.isTTY === true,
      complain: (text) => this.#complain(text),
      host: this.#target.url.hostname,
      onQuit: this.#interrupt,
    });
    this.#printer = printer;
    await this.#openRecording();
    const timer = timeout === undefined ? undefined : setTimeout(this.#timeOut, timeout * 1_000);
    process.once('SIGINT', this.#interrupt);
    process.once('SIGTERM', this.#interrupt);
    try {
      const client = await this.#connect();
      this.#show();
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
      if (this.#isShowing) printer.end?.();
      this.#isShowing = false;
      if (this.#unsaid !== '') process.stderr.write(this.#unsaid);
      await this.#output.end();
      await this.#recorder?.end();
    }
  }

  async #connect(): Promise<Client> {
    const { debug, quiet } = this.#values;
    const log = debug ? new DebugLog((line) => this.#output.writeText(line), !quiet) : null;
    const { clean, sessionExpiryInterval = clean ? 0 : NEVER_EXPIRES } = this.#target.options;
    const options: ConnectOptions = {
      reconnect: RECONNECT,
      sessionExpiryInterval,
      onMessage: this.#receive,
      signal: this.#connecting.signal,
      trace: log === null ? null : log.trace.bind(log),
    };
    const client = await openConnection(this.#target, options);
    this.#client = client;
    client.events.on('offline', ({ error }) => this.#warn(`${error.message}. Connecting again`));
    client.events.on('subscriptionLost', ({ filter, reasonCode }) => this.#warnOfRefusal(filter, reasonCode));
    return client;
  }

  #show(): void {
    if (this.#isShowing) return;
    this.#isShowing = true;
    this.#printer?.begin?.();
  }

  async #openRecording(): Promise<void> {
    const { record } = this.#values;
    if (record === undefined) return;
    const { RecordingWriter } = await import('../recording/recording-writer.js');
    const recorder = RecordingWriter.open(record);
    recorder.onFull = this.#hold;
    recorder.onRoom = this.#goOn;
    recorder.onGone = this.#outputGone;
    this.#recorder = recorder;
  }

  async #subscribe(client: Client): Promise<void> {
    const { unsubscribe = [], qos, exitAfterSubscribe, retainAsPublished, retainHandling = 'always' } = this.#values;
    const { subscribe: properties, unsubscribe: unsubscribeProperties } = this.#target.properties;
    const [subscriptionIdentifier] = properties.subscriptionIdentifiers ?? [];
    const { userProperties } = properties;
    const options: SubscribeOptions = {
      qos: qosOf(qos),
      retainAsPublished: retainAsPublished === true,
      retainHandling: RETAIN_HANDLING[retainHandling],
      ...(subscriptionIdentifier !== undefined && { subscriptionIdentifier }),
      ...(userProperties && { userProperties }),
    };
    const subscribed = this.#topics.length === 0 ? null : client.subscribe(this.#topics, options, this.#receive);
    const unsubscribed = unsubscribe.map((filter) => {
      const { userProperties } = unsubscribeProperties;
      return client.unsubscribe(filter, { ...(userProperties && { userProperties }) });
    });
    try {
      const [subscription] = await Promise.all([subscribed, ...unsubscribed]);
      subscription?.reasonCodes.forEach((code, i) => {
        if (code >= ReasonCode.UNSPECIFIED_ERROR) this.#warnOfRefusal(this.#topics[i], code);
      });
      if (exitAfterSubscribe) this.#leave(0);
    } catch (error) {
      if (!(error instanceof SubscribeRefused)) throw error;
      this.#complain('All subscription requests were denied.\n');
      this.#leave(DENIED_EXIT_CODE);
    }
  }

  #warnOfRefusal(filter: string, code: ReasonCode): void {
    this.#warn(`The subscription to ${filter} was denied: ${reasonName(code)}`);
  }

  readonly #receive = (message: Message, client: Client): void => {
    if (this.#exitCode !== null) return;
    const { retainedOnly, removeRetained, count } = this.#values;
    this.#client = client;
    // A kept session may have messages before anybody else knows that the broker has answered.
    if (!this.#isShowing) this.#show();
    if (retainedOnly && !message.retain) {
      this.#leave(0);
      return;
    }
    const filter = this.#filter;
    if (filter.excludes(message.topic)) return;
    if (removeRetained && message.retain) this.#remove(message.topic, client);
    if (!filter.takes(message)) return;
    this.#recorder?.record(message);
    this.#print(message);
    this.#taken++;
    // At once: the messages behind this one are not acknowledged, and stay with the broker.
    if (this.#taken === count) this.#leave(0);
  };

  #print(message: Message): void {
    const { randomFilter } = this.#values;
    if (randomFilter === undefined || Math.random() * 100 < randomFilter) this.#printer?.message(message);
  }

  /** The retained message; the end of the run waits until the broker has it. */
  #remove(topic: string, client: Client): void {
    client.publish(topic, '', { qos: 1, retain: true }).catch((error: Error) => {
      this.#warn(`The retained message of ${topic} was not removed: ${error.message}`);
    });
  }

  readonly #hold = (): void => {
    if (++this.#fullOutputs === 1) this.#client?.pause();
  };

  readonly #goOn = (): void => {
    if (--this.#fullOutputs === 0) this.#client?.resume();
  };

  /** `sub | head` ends quietly; a full disk does not. */
  readonly #outputGone = ({ code, message }: NodeJS.ErrnoException): void => {
    if (code !== 'EPIPE') this.#complain(`Error: The output cannot be written: ${message}\n`);
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

  #warn(text: string): void {
    this.#complain(`Warning: ${text}.\n`);
  }

  #complain(text: string): void {
    if (this.#values.quiet) return;
    if (this.#isShowing && this.#printer?.ownsTerminal) this.#unsaid += text;
    else process.stderr.write(text);
  }
}
