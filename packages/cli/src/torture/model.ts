import { Findings } from './findings.js';
import { RetainedModel } from './retained-model.js';
import { type Ending, SessionModel } from './session-model.js';
import { StreamModel, type StreamQoS } from './stream-model.js';
import { Timeline } from './timeline.js';
import { WillModel } from './will-model.js';

/**
 * Knows what was asked of a broker, what it has acknowledged, and what it has delivered; finds what cannot be right
 * whatever happened to the requests that were not answered when it was killed. Does no I/O: it is told each packet at the
 * moment when it leaves or has come.
 */
export class Model {
  readonly timeline: Timeline;
  readonly findings = new Findings();
  readonly #sessions = new Map<string, SessionModel>();
  readonly #streams = new Map<string, StreamModel>();
  readonly #retained = new Map<string, RetainedModel>();
  readonly #wills = new Map<string, WillModel>();
  readonly #willsByTopic = new Map<string, WillModel>();

  /** @param clockMs milliseconds since the run began, never falling */
  constructor(clockMs: () => number) {
    this.timeline = new Timeline(clockMs);
  }

  /** The session of this client; there is none at the broker before its first CONNECT. */
  session(clientId: string): SessionModel {
    let session = this.#sessions.get(clientId);
    if (session === undefined) {
      session = new SessionModel(clientId, this.timeline, this.findings);
      this.#sessions.set(clientId, session);
    }
    return session;
  }

  /** Messages of this client alone will be published there, all with this QoS. */
  stream(topic: string, qos: StreamQoS, publisher: string): StreamModel {
    return this.#stream(topic, qos, publisher, 'lost');
  }

  retained(topic: string): RetainedModel {
    const retained = new RetainedModel(topic, this.timeline, this.findings);
    this.#retained.set(topic, retained);
    return retained;
  }

  /** The client will have a will in each of its connections. */
  will(clientId: string, topic: string, qos: StreamQoS, delayMs: number): WillModel {
    const stream = this.#stream(topic, qos, clientId, 'will');
    const will = new WillModel(clientId, stream, delayMs, this.timeline, this.findings);
    this.#wills.set(clientId, will);
    this.#willsByTopic.set(topic, will);
    return will;
  }

  connected(clientId: string, sessionPresent: boolean): void {
    this.session(clientId).connected(sessionPresent);
    this.#wills.get(clientId)?.connected();
  }

  /** @param wasConnected whether CONNACK had come */
  ended(clientId: string, how: Ending, wasConnected: boolean): void {
    this.session(clientId).ended(how, wasConnected);
    this.#wills.get(clientId)?.ended(how);
  }

  /** A message came, which is not the repetition of one whose QoS 2 handshake is under way. */
  arrived(clientId: string, topic: string, number: number | undefined): void {
    const stream = this.#streams.get(topic);
    if (stream === undefined || number === undefined) {
      const text = `${clientId} got a message on ${topic} that nobody has published`;
      this.findings.add('corrupt', text, () => this.timeline.history(['broker', clientId], 0));
      return;
    }
    stream.arrived(this.session(clientId), number);
    this.#willsByTopic.get(topic)?.arrived(clientId, number);
  }

  /** A new subscription to all topics of retained messages has seen these, and no others. */
  readRetained(seen: ReadonlyMap<string, number>, since: number): void {
    for (const [topic, retained] of this.#retained) retained.read(seen.get(topic) ?? null, since);
  }

  /** The end of the run is near: clients that are away stay away until `judge`. */
  settle(): void {
    for (const will of this.#wills.values()) will.settle();
  }

  /** Messages that have to come and have not come. */
  get outstanding(): number {
    let count = 0;
    for (const stream of this.#streams.values()) {
      for (const session of this.#sessions.values()) stream.isFor(session);
      count += stream.outstanding;
    }
    return count;
  }

  /** Nothing more will come: what is outstanding is lost. */
  judge(): void {
    for (const stream of this.#streams.values()) {
      for (const session of this.#sessions.values()) stream.isFor(session);
      stream.judge();
    }
  }

  #stream(topic: string, qos: StreamQoS, publisher: string, lossKind: 'lost' | 'will'): StreamModel {
    const stream = new StreamModel(topic, qos, publisher, this.timeline, this.findings, lossKind);
    this.#streams.set(topic, stream);
    return stream;
  }
}
