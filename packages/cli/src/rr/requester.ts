import {
  type Client,
  type Message,
  type PublishOptions,
  PublishRefused,
  type SubscribeOptions,
  SubscribeRefused,
} from '@cauldron/client';
import { ReasonCode } from '@cauldron/codec';
import { BatchedOutput } from '../command-line/batched-output.js';
import type { ConnectionTarget } from '../connection/connection-flags.js';
import { DebugLog } from '../connection/debug-log.js';
import { describeFailure } from '../connection/failure.js';
import { openConnection } from '../connection/open-connection.js';
import type { Format } from '../format/format.js';

/** What is asked, and where the response is to come. */
export interface Request {
  readonly target: ConnectionTarget;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly publish: PublishOptions;
  readonly responseTopic: string;
  readonly subscribe: SubscribeOptions;
}

export interface RequesterOptions {
  /** Takes a line with its end, for the person. */
  readonly complain: (text: string) => void;
  /** Seconds to wait; null: as long as it takes. */
  readonly timeoutS: number | null;
  readonly ignoresRetained: boolean;
  readonly showsLatency: boolean;
  readonly showsPackets: boolean;
}

/** The exit statuses of Mosquitto's library. */
const ExitCode = { DONE: 0, DENIED: 12, TIMEOUT: 27 } as const;

/** One run of `cauldron rr`: it ends by the response, by time, by a signal, or because the connection does. */
export class Requester {
  readonly #request: Request;
  readonly #format: Format;
  readonly #options: RequesterOptions;
  readonly #output = new BatchedOutput(process.stdout);
  /** Ends what is waited for. */
  readonly #end = new AbortController();
  /** Set once the run is to end. */
  #exitCode: number | null = null;
  #reasonCode: ReasonCode = ReasonCode.SUCCESS;
  /** Of `performance`. */
  #sentAtMs = 0;

  constructor(request: Request, format: Format, options: RequesterOptions) {
    this.#request = request;
    this.#format = format;
    this.#options = options;
  }

  /** @returns the exit status */
  async run(): Promise<number> {
    const { timeoutS, showsPackets, complain } = this.#options;
    const { target } = this.#request;
    const timer = timeoutS === null ? undefined : setTimeout(this.#timeOut, timeoutS * 1_000);
    process.once('SIGINT', this.#interrupt);
    process.once('SIGTERM', this.#interrupt);
    this.#output.onGone = () => this.#leave(ExitCode.DONE);
    const log = showsPackets ? new DebugLog((line) => this.#output.writeText(line), false) : null;
    const trace = log === null ? null : log.trace.bind(log);
    let client: Client | null = null;
    try {
      client = await openConnection(target, { trace, signal: this.#end.signal });
      await this.#ask(client);
      return this.#exitCode ?? ExitCode.DONE;
    } catch (error) {
      if (this.#exitCode !== null) return this.#exitCode;
      const { text, exitCode } = describeFailure(error, target.url);
      complain(text);
      return exitCode;
    } finally {
      clearTimeout(timer);
      process.off('SIGINT', this.#interrupt);
      process.off('SIGTERM', this.#interrupt);
      await client?.disconnect({ reasonCode: this.#reasonCode, properties: target.properties.disconnect });
      await this.#output.end();
    }
  }

  /** Resolves when the run is to end. @throws (rejects) what ended the connection */
  async #ask(client: Client): Promise<void> {
    const { topic, payload, publish, responseTopic, subscribe } = this.#request;
    const { signal } = this.#end;
    const ended = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    const lost = client.closed.then((error) => {
      if (error !== null) throw error;
    });
    // Heard below, if it is still of interest.
    lost.catch(() => {});
    try {
      await client.subscribe(responseTopic, subscribe, this.#receive);
      this.#sentAtMs = performance.now();
      await client.publish(topic, payload, { ...publish, signal });
    } catch (error) {
      if (error instanceof SubscribeRefused) {
        this.#options.complain(`Error: The subscription to ${responseTopic} was denied: ${error.message}\n`);
        this.#leave(ExitCode.DENIED);
      } else if (error instanceof PublishRefused) {
        // As with Mosquitto's program, somebody may answer all the same.
        this.#options.complain(`Warning: Publish to ${topic} failed: ${error.reason}.\n`);
      } else {
        throw error;
      }
    }
    await Promise.race([ended, lost]);
  }

  readonly #receive = (message: Message): void => {
    const { ignoresRetained, showsLatency } = this.#options;
    if (this.#exitCode !== null || (ignoresRetained && message.retain)) return;
    const tookMs = performance.now() - this.#sentAtMs;
    this.#format.write(this.#output.sink, message, Date.now());
    this.#output.written();
    if (showsLatency) this.#output.writeText(`Latency: ${latencyText(tookMs)}\n`);
    this.#leave(ExitCode.DONE);
  };

  readonly #timeOut = (): void => {
    this.#options.complain('Timed out\n');
    this.#leave(ExitCode.TIMEOUT, ReasonCode.DISCONNECT_WITH_WILL);
  };

  readonly #interrupt = (): void => this.#leave(ExitCode.DONE, ReasonCode.DISCONNECT_WITH_WILL);

  #leave(exitCode: number, reasonCode: ReasonCode = ReasonCode.SUCCESS): void {
    if (this.#exitCode !== null) return;
    this.#exitCode = exitCode;
    this.#reasonCode = reasonCode;
    this.#end.abort();
  }
}

/** As Mosquitto's program writes it: six decimals, in the unit that fits; beyond a second nine, without a unit. */
export function latencyText(ms: number): string {
  if (ms < 0.001) return `${Math.round(ms * 1e6)}ns`;
  if (ms < 1) return `${(ms * 1e3).toFixed(6)}µs`;
  return ms < 1_000 ? `${ms.toFixed(6)}ms` : (ms / 1_000).toFixed(9);
}
