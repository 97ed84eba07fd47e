import { LogType } from '../core/ports/log.js';
import { ALL_LOG_TYPES, type LogSink } from './log-sink.js';

/** Publishes a line of the log to a topic. It may fail, but must not throw. */
export type PublishLine = (topic: string, line: string) => void;

/** Those of Mosquitto; what each packet does is not for topics, or every message would make more. */
const TOPICS: ReadonlyMap<number, string> = new Map([
  [LogType.ERROR, '$SYS/broker/log/E'],
  [LogType.WARNING, '$SYS/broker/log/W'],
  [LogType.NOTICE, '$SYS/broker/log/N'],
  [LogType.INFORMATION, '$SYS/broker/log/I'],
  [LogType.SUBSCRIBE, '$SYS/broker/log/M/subscribe'],
  [LogType.UNSUBSCRIBE, '$SYS/broker/log/M/unsubscribe'],
  [LogType.WEBSOCKETS, '$SYS/broker/log/WS'],
]);

/**
 * Lines as messages to whoever subscribes to them. They are published at the end of the turn, never from within what
 * logs: that may be the router itself.
 */
export class TopicSink implements LogSink {
  readonly takes = ALL_LOG_TYPES & ~LogType.DEBUG;
  readonly #publisher: () => PublishLine | null;
  #lines: (readonly [topic: string, line: string])[] = [];
  #isPublishing = false;

  /** @param publisher null while there is no broker that could publish: lines are dropped then */
  constructor(publisher: () => PublishLine | null) {
    this.#publisher = publisher;
  }

  write(type: LogType, line: string): void {
    const topic = TOPICS.get(type);
    // What is logged because a line is delivered would be delivered, and logged, for ever.
    if (topic === undefined || this.#isPublishing || this.#publisher() === null) return;
    this.#lines.push([topic, line]);
  }

  flush(): void {
    const publish = this.#publisher();
    const lines = this.#lines;
    this.#lines = [];
    if (publish === null) return;
    this.#isPublishing = true;
    for (const [topic, line] of lines) publish(topic, line);
    this.#isPublishing = false;
  }

  reopen(): void {}

  async close(): Promise<void> {
    this.flush();
  }
}
