import type { Packet, ProtocolVersion, Puback, Pubcomp, Pubrec, Pubrel, QoS, Suback, Unsuback } from '@cauldron/codec';
import {
  connectReturnCodeOf,
  Framer,
  isReasonCodeOf,
  PacketType,
  ProtocolError,
  type PublishLayout,
  ReasonCode,
} from '@cauldron/codec';
import { AdmissionExpiry } from './admission-expiry.js';
import type { Authentication } from './authentication.js';
import { CommitGate } from './commit-gate.js';
import { type Ending, endingByNetwork, endingFor, endingText, explanationOf, shortened } from './connection-ending.js';
import { ConnectionState, transition } from './connection-state.js';
import type { Context } from './context.js';
import { handleAcknowledgement } from './handlers/acknowledgements.js';
import { handlePacket } from './handlers/index.js';
import type { Message } from './message.js';
import { MountPoint } from './mount-point.js';
import { CHUNK_BYTES, Output } from './output.js';
import { fitPacket } from './packet-fit.js';
import { packetLimits } from './packet-limits.js';
import { lineOfAcknowledgementSent, lineOfPublish, lineOfSent } from './packet-log.js';
import type { Decision } from './ports/access.js';
import type { Link, LinkHandler } from './ports/link.js';
import { LogType } from './ports/log.js';
import type { Ticket } from './ports/store.js';
import { RateLimit } from './rate-limit.js';
import type { Session } from './session.js';
import type { ListenerPolicy } from './settings.js';
import { type Expiring, Timer } from './timer-wheel.js';
import type { InboundAliases, OutboundAliases } from './topic-aliases.js';

/** The first byte of a PUBREL [MQTT-3.6.1-1]. */
const PUBREL = (PacketType.PUBREL << 4) | 2;

type AcknowledgementType = (Puback | Pubrec | Pubrel | Pubcomp)['type'];

/** What a topic alias can add to a packet: its property, and two lengths that take a byte more. */
const ALIAS_BYTES = 5;

/**
 * Answers that may wait for a client beyond `maxOutputBytes`, at which messages to it are dropped: who sends on and on,
 * but takes no answer, is not read before it has taken them.
 */
const MAX_ANSWER_BYTES = 1024 * 1024;

/** How a TLS client begins. As a CONNECT, it would have flags that no version allows. */
const TLS_HANDSHAKE = 0x16;

/**
 * One network connection: its bytes, its state, what it may send and take. What survives it is in its session.
 * Its link calls it with what comes in; all that it sends leaves at the end of that call, in one write.
 */
export class Connection implements LinkHandler, Expiring {
  readonly link: Link;
  readonly output: Output;
  readonly framer: Framer;
  readonly #context: Context;
  #listener: ListenerPolicy;
  #state: ConnectionState = ConnectionState.AWAITING_CONNECT;
  /** Reasons why nothing is read now: each `hold` is one. */
  #holds = 0;
  /** One of them: too many answers wait for it. */
  #isClogged = false;
  /** What waits for the store; null: nothing. */
  #gate: CommitGate | null = null;
  #decisions: Map<string, Decision> | null = null;
  /** The version of the rules when the last answer was asked for that came later. */
  #askedUnder = 0;
  /** Made when there is a limit; null: there was none yet. */
  #publishRate: RateLimit | null = null;
  /** The end of what let the client in; null: it does not end. */
  #expiry: AdmissionExpiry | null = null;

  /** The peer sent a CONNECT, if perhaps one that is refused: it speaks MQTT, and can be answered. */
  connectSeen = false;
  /** Since a CONNECT that named an authentication method; null: no AUTH may come. */
  authentication: Authentication | null = null;
  session: Session | null = null;
  /** The epoch that the session gave this connection when it was attached. */
  epoch = 0;
  version: ProtocolVersion = 4;
  /** The client says of itself that it is a bridge (3.1 and 3.1.1). */
  isBridge = false;
  /** For the log before there is a session. */
  clientId = '';
  /** The client's keep-alive, times one and a half, in ms; 0: none. */
  silenceLimitMs = 0;
  /** When anything came in last, by the timer wheel's clock. */
  lastHeardMs: number;
  /** QoS 1 and 2 messages that may be in flight to the client. */
  sendMaximum = 20;
  /** The same as far as the client is concerned: its Receive Maximum. */
  clientReceiveMaximum = 65_535;
  /** QoS 2 messages of the client that may await PUBREL, of which it was told. */
  receiveMaximum = 65_535;
  /** The largest packet that the client takes, in bytes. */
  maximumPacketSize = Number.POSITIVE_INFINITY;
  /** The highest QoS with which it may publish: a 5.0 client was told so. */
  maximumQoS: QoS = 2;
  /** The highest topic alias that it may use, of which it was told. */
  maximumAlias = 0;
  /** Null: its topics are the broker's. Does not change after CONNECT. */
  mountPoint: MountPoint | null;
  /** Whether the client wants reason strings and user properties with refusals (5.0). */
  wantsProblemInformation = false;
  inboundAliases: InboundAliases<Uint8Array> | null = null;
  outboundAliases: OutboundAliases | null = null;
  /** What decides about messages to this client is the same for a whole run of them; see `PublishRun`. */
  takesRuns = false;
  /** Publishers wait for this client; it has to say when it has caught up. */
  isAwaited = false;
  /** Older than 5.0, and messages of it were refused, which it could only be told by silence; see `StoreShortage`. */
  awaitsAnswers = false;
  /** It had its time to catch up and did not: nobody waits for it before it has. */
  isStalled = false;
  /** Keep-alive; before CONNACK, the time limit to it. */
  readonly timer: Timer;

  constructor(context: Context, link: Link, listener: ListenerPolicy) {
    this.#context = context;
    this.link = link;
    this.#listener = listener;
    this.mountPoint = mountPointOf(listener);
    this.output = new Output(context.outputs, link);
    this.framer = new Framer(context.settings.maximumPacketSize);
    this.framer.limitTypes(packetLimits(this.version));
    this.lastHeardMs = context.wheel.now;
    this.timer = new Timer(this);
  }

  /** What its listener decides about it. */
  get listener(): ListenerPolicy {
    return this.#listener;
  }

  /** Another policy takes the place of its listener's: one with which the client may stay; see `partingAt`. */
  follow(policy: ListenerPolicy): void {
    this.#listener = policy;
    if (this.#state === ConnectionState.AWAITING_CONNECT) this.mountPoint = mountPointOf(policy);
    // A 5.0 client was told in CONNACK what holds for its connection.
    if (this.version !== 5) this.maximumQoS = policy.maximumQoS;
    const { session } = this;
    if (session === null || session.principal.access === policy.access) return;
    session.principal = { ...session.principal, access: policy.access };
    session.doubtRights();
    this.#context.router.invalidate();
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get isOpen(): boolean {
    return this.#state === ConnectionState.OPEN;
  }

  moveTo(state: ConnectionState): void {
    this.#state = transition(this.#state, state);
  }

  /** What let the client in ends at this time of day; see `Admission.untilMs`. */
  admittedUntil(untilMs: number): void {
    if (this.#expiry === null) this.#expiry = new AdmissionExpiry(this.#context, this, untilMs);
    else this.#expiry.postpone(untilMs);
  }

  // ---- reading -------------------------------------------------------------------------------------------------------

  onRead(bytes: Uint8Array, length: number): void {
    const context = this.#context;
    if (this.#state >= ConnectionState.CLOSING) return;
    this.lastHeardMs = context.wheel.now;
    context.counters.bytesReceived += length;
    const { framer } = this;
    if (this.#state === ConnectionState.AWAITING_CONNECT && framer.held === 0) this.#checkFirstByte(bytes[0]);
    framer.feed(bytes, length);
    this.#readFrames(bytes);
    framer.finish();
    context.readTurns.readDone(length);
    if (this.output.isBehind) this.#considerClogged();
  }

  /** What begins like no CONNECT need not be waited for until it is whole: it may be another protocol [MQTT-3.1.0-1]. */
  #checkFirstByte(byte: number): void {
    if (byte >> 4 === PacketType.CONNECT && byte !== TLS_HANDSHAKE) return;
    const hex = byte.toString(16).padStart(2, '0');
    const guess = byte === TLS_HANDSHAKE ? ': the client speaks TLS, this listener does not' : '';
    this.fail(
      new ProtocolError(ReasonCode.PROTOCOL_ERROR, `the first byte, 0x${hex}, is not that of a CONNECT${guess}`),
    );
  }

  onDrain(): void {
    this.output.drained();
    if (this.#isClogged) {
      this.#isClogged = false;
      this.lastHeardMs = this.#context.wheel.now;
      this.unhold();
    }
    if (this.session !== null) this.session.pump();
    if (this.isAwaited || this.isStalled) this.#context.slowdown.progressed(this);
    this.#context.flush();
  }

  onClose(error: Error | null): void {
    if (this.#state !== ConnectionState.CLOSING) this.#leave(endingByNetwork(error));
    this.moveTo(ConnectionState.CLOSED);
    this.#context.wheel.cancel(this.timer);
    this.output.discard();
    this.#context.connections.delete(this);
    this.#context.flush();
  }

  /** Stops reading until `unhold`; calls nest. What was read and not handled yet stays with the framer. */
  hold(): void {
    if (this.#holds++ === 0 && this.#state < ConnectionState.CLOSING) this.link.pause();
  }

  unhold(): void {
    if (--this.#holds > 0 || this.#state >= ConnectionState.CLOSING) return;
    this.#readFrames(null);
    this.framer.finish();
    if (this.#holds > 0 || this.#state >= ConnectionState.CLOSING) return;
    // What it has said meanwhile is still to be read.
    this.lastHeardMs = this.#context.wheel.now;
    this.link.resume();
  }

  #considerClogged(): void {
    const limit = this.#context.settings.maxOutputBytes + MAX_ANSWER_BYTES;
    if (this.#isClogged || this.output.pendingBytes <= limit) return;
    this.#isClogged = true;
    this.hold();
  }

  /** Called by the timer wheel: not connected in time, or nothing heard for too long. */
  fire(nowMs: number): void {
    if (this.#state !== ConnectionState.OPEN) {
      const why = 'not connected within connect_timeout';
      this.refuse(ReasonCode.SERVER_BUSY, why, endingFor(ReasonCode.KEEP_ALIVE_TIMEOUT, why, false));
      return;
    }
    const dueMs = this.lastHeardMs + this.silenceLimitMs;
    // A client that the broker does not read is not silent, unless it is not read because it takes nothing.
    const isKeptWaiting = this.#holds > (this.#isClogged ? 1 : 0);
    if (nowMs < dueMs || isKeptWaiting) {
      this.#context.wheel.schedule(this.timer, Math.max(dueMs, nowMs + 1000));
      return;
    }
    // [MQTT-3.1.2-22] [MQTT-3.1.2-24]
    this.fail(new ProtocolError(ReasonCode.KEEP_ALIVE_TIMEOUT, 'exceeded timeout'));
  }

  /** `fed`: the bytes of this read; frames in them are adjacent and may form runs. */
  #readFrames(fed: Uint8Array | null): void {
    const { framer } = this;
    const { run, counters, router } = this.#context;
    router.followRules();
    // Whether messages of this client may be handled by runs does not change while one read is handled.
    const formsRuns = this.isOpen && run.takes(this);
    const rate = this.#rateLimit();
    try {
      while (this.#holds === 0 && this.#state < ConnectionState.CLOSING && framer.next()) {
        const { bytes, start } = framer;
        const type = (bytes[start] >> 4) as PacketType | 0;
        if (type === PacketType.PUBLISH) {
          if (formsRuns && run.add(this, bytes, start, framer.body, framer.end)) {
            // What a frame from elsewhere than this read lies in does not outlast the next frame.
            if (bytes !== fed) run.finish();
            if (rate !== null) rate.spend(framer.end - start);
            continue;
          }
        } else if (type <= PacketType.PUBCOMP && this.#state === ConnectionState.OPEN && type > PacketType.CONNACK) {
          // A run is adjacent frames, and is answered before what comes after it.
          run.finish();
          counters.received[type]++;
          handleAcknowledgement(this.#context, this, bytes, start, framer.body, framer.end);
          continue;
        }
        run.finish();
        const size = framer.end - start;
        const published = counters.received[PacketType.PUBLISH];
        counters.received[type]++;
        handlePacket(this.#context, this, type, bytes, start, framer.body, framer.end);
        // One that was put back is not counted, and comes again.
        if (rate !== null && counters.received[PacketType.PUBLISH] > published) rate.spend(size);
      }
      run.finish();
      if (this.session?.isPumpDue === true) this.#goOn(this.session);
    } catch (error) {
      // What came before the fault counts.
      run.finish();
      this.fail(error);
    }
  }

  /** All acknowledgements of a read together let what waits for the window leave as one piece. */
  #goOn(session: Session): void {
    session.pump();
    if (this.isAwaited || this.isStalled) this.#context.slowdown.progressed(this);
  }

  /** Null, without a cost, while nobody is limited. */
  #rateLimit(): RateLimit | null {
    const { settings, clock, wheel } = this.#context;
    const { maxPublishRate, maxPublishBytesRate } = settings;
    if (maxPublishRate === Number.POSITIVE_INFINITY && maxPublishBytesRate === Number.POSITIVE_INFINITY) return null;
    this.#publishRate ??= new RateLimit(settings, clock, wheel, this);
    return this.#publishRate;
  }

  /** The present frame comes again, as the first when reading goes on. For handlers that have changed nothing yet. */
  putBack(): void {
    const { framer } = this;
    framer.unread();
    this.#context.counters.received[framer.bytes[framer.start] >> 4]--; // It is counted when it comes again.
  }

  /**
   * What the authorizer says about `key`; null while it has not answered. Then the present frame is put back and nothing
   * more is read until the answer is there: the handler is called again with the same frame, and finds it. A handler
   * that changes anything does so after its last question, and then calls `forgetDecisions`.
   */
  decide(key: string, ask: () => Decision | Promise<Decision>): Decision | null {
    const known = this.#decisions?.get(key);
    if (known !== undefined) return known;
    const answer = ask();
    if (!(answer instanceof Promise)) return answer;
    this.#askedUnder = this.#context.authorizer.version;
    this.putBack();
    this.hold();
    const goOn = (decision: Decision): void => {
      this.#decisions ??= new Map();
      this.#decisions.set(key, decision);
      this.unhold();
      this.#context.flush();
    };
    answer.then(goOn, (error: unknown) => goOn({ allowed: false, rule: `the authorizer failed: ${String(error)}` }));
    return null;
  }

  /** Whether what `decide` has said holds for later packets, too: an answer that came late may be one by older rules. */
  get isDecisionCurrent(): boolean {
    return this.#decisions === null || this.#askedUnder === this.#context.authorizer.version;
  }

  forgetDecisions(): void {
    this.#decisions = null;
  }

  // ---- writing -------------------------------------------------------------------------------------------------------

  /** Sends a packet other than PUBLISH, once `ticket` is committed. One that is too large for the client is shortened. */
  send(packet: Packet, ticket: Ticket = 0): void {
    const bytes = fitPacket(packet, this.version, this.maximumPacketSize, this.wantsProblemInformation);
    if (bytes === null) return;
    const { counters, log } = this.#context;
    const line = log.types & LogType.DEBUG ? lineOfSent(this.logName, packet) : null;
    counters.sent[packet.type]++;
    if (this.#mustWait(ticket)) {
      this.#gated().holdPacket(ticket, bytes, line);
      return;
    }
    if (line !== null) log.write(LogType.DEBUG, line, { client: this.logName });
    this.output.send(bytes);
  }

  /** Whether `send` can send it: shortened, it is no larger than what the client takes. */
  fits(packet: Packet): boolean {
    const { maximumPacketSize, version, wantsProblemInformation } = this;
    if (maximumPacketSize === Number.POSITIVE_INFINITY) return true;
    return fitPacket(packet, version, maximumPacketSize, wantsProblemInformation) !== null;
  }

  /**
   * To be called before anything is done that this packet answers: a client that would wait for it in vain is told why.
   * @throws ProtocolError PACKET_TOO_LARGE
   */
  assertFits(answer: Suback | Unsuback): void {
    if (this.fits(answer)) return;
    const reason = `the answer would be larger than the client's maximum packet size, ${this.maximumPacketSize}: ask for less at a time`;
    throw new ProtocolError(ReasonCode.PACKET_TOO_LARGE, reason);
  }

  /** PUBACK, PUBREC, PUBREL or PUBCOMP without properties, once `ticket` is committed. `header` is its first byte. */
  acknowledge(header: number, packetId: number, ticket: Ticket, reasonCode: ReasonCode = ReasonCode.SUCCESS): void {
    const { counters, log } = this.#context;
    const said = this.version === 5 ? reasonCode : ReasonCode.SUCCESS;
    const line =
      log.types & LogType.DEBUG
        ? lineOfAcknowledgementSent(this.clientId, (header >> 4) as PacketType, packetId, said)
        : null;
    if (this.#mustWait(ticket)) this.#gated().holdAcknowledgement(ticket, header, packetId, said, line);
    else {
      if (line !== null) log.write(LogType.DEBUG, line, { client: this.clientId });
      this.output.acknowledgement(header, packetId, said);
    }
    counters.sent[header >> 4]++;
  }

  /**
   * The same for a refusal, with its reason for a 5.0 client. 3.1 and 3.1.1 cannot say no: they get a plain
   * acknowledgement, after which they would otherwise send for ever.
   */
  acknowledgeRefusal(type: AcknowledgementType, packetId: number, reasonCode: ReasonCode, reason: string): void {
    if (this.version !== 5) {
      this.acknowledge(type === PacketType.PUBREL ? PUBREL : type << 4, packetId, 0);
      return;
    }
    const properties = { reasonString: shortened(reason) };
    this.send({ type, packetId, reasonCode, properties } as Puback | Pubrec | Pubrel | Pubcomp);
  }

  sendPubrel(packetId: number, ticket: Ticket): void {
    this.acknowledge(PUBREL, packetId, ticket);
  }

  /** Something waits for the store, so acknowledgements have to queue behind it. */
  get holdsBack(): boolean {
    return this.#gate !== null;
  }

  /** Whether the client may know of this topic at all: it is below its mount point. */
  sees(topic: string): boolean {
    return this.mountPoint === null || this.mountPoint.seen(topic) !== null;
  }

  /** The message with its topic as the client knows it. */
  #asSeen(message: Message): Message {
    if (this.mountPoint === null) return message;
    const topic = this.mountPoint.seen(message.topic);
    if (topic === null) throw new Error(`'${message.topic}' is not below the mount point ${this.mountPoint.text}`);
    return message.withTopic(topic);
  }

  /** Whether the message fits the packet size that the client takes, if its packet grows by `more` bytes. */
  canTake(message: Message, qos: QoS, identifiers: readonly number[] | null, more = 0): boolean {
    if (this.maximumPacketSize === Number.POSITIVE_INFINITY) return true;
    const layout = this.#asSeen(message).layout(qos, false, this.version, identifiers, this.#context.clock);
    return layout.size + more <= this.maximumPacketSize; // [MQTT-3.1.2-24]
  }

  /** Sends a PUBLISH, once `ticket` is committed; the caller has seen to bounds, window, `sees` and `canTake`. */
  sendPublish(
    message: Message,
    qos: QoS,
    packetId: number,
    dup: boolean,
    retain: boolean,
    identifiers: readonly number[] | null,
    ticket: Ticket = 0,
  ): void {
    const { counters, clock, log } = this.#context;
    const seen = this.#asSeen(message);
    const waits = ticket > 0 && this.#mustWait(ticket);
    let line: string | null = null;
    if (log.types & LogType.DEBUG) {
      const { topic, payload } = seen;
      line = lineOfPublish('Sending PUBLISH to', this.clientId, topic, { dup, qos, retain, packetId, payload });
      if (!waits) log.write(LogType.DEBUG, line, { client: this.clientId, topic });
    }
    counters.sent[PacketType.PUBLISH]++;
    counters.publishBytesSent += message.payload.length;
    // Clients exist that forget an alias until PUBREL: QoS 2 goes with its topic.
    const mayAlias = this.outboundAliases !== null && qos < 2 && this.canTake(message, qos, identifiers, ALIAS_BYTES);
    const aliases = mayAlias ? this.outboundAliases : null;
    const layout =
      aliases === null
        ? seen.layout(qos, retain, this.version, identifiers, clock)
        : seen.aliasedLayout(qos, retain, identifiers, clock, aliases);
    if (waits) this.#holdPublish(ticket, layout, packetId, dup, line);
    else if (layout.size <= CHUNK_BYTES) this.output.publish(layout, packetId, dup);
    else {
      const { payload } = message.keep();
      const head = new Uint8Array(layout.size - payload.length);
      layout.writeHead(head, 0, packetId, dup);
      this.output.share(head);
      this.output.share(payload); // The same bytes for all that it goes to.
    }
  }

  /** `line`: what the log says when it leaves; null: nothing. */
  #holdPublish(ticket: Ticket, layout: PublishLayout, packetId: number, dup: boolean, line: string | null): void {
    if (layout.size <= CHUNK_BYTES && !dup) {
      this.#gated().holdPublish(ticket, layout, packetId, line);
      return;
    }
    const bytes = new Uint8Array(layout.size);
    layout.write(bytes, 0, packetId, dup);
    this.#gated().holdPacket(ticket, bytes, line);
  }

  /** Called after each commit of the store while something waits for one. */
  committed(ticket: Ticket): void {
    if (this.#gate === null || !this.#gate.release(ticket)) return;
    this.#gate = null;
    this.#context.awaitingCommit.delete(this);
  }

  /** Once something waits, what comes later waits too. */
  #mustWait(ticket: Ticket): boolean {
    return this.#gate !== null || ticket > this.#context.store.committed;
  }

  #gated(): CommitGate {
    if (this.#gate === null) {
      this.#gate = new CommitGate(this.output, this.#context.log, this.clientId);
      this.#context.awaitingCommit.add(this);
    }
    return this.#gate;
  }

  // ---- ending --------------------------------------------------------------------------------------------------------

  /**
   * The one place where an error becomes what the peer is told: CONNACK before it is connected, DISCONNECT (5.0) after,
   * and a line in the log for everybody. Then the connection ends.
   */
  fail(error: unknown): void {
    if (this.#state >= ConnectionState.CLOSING) return;
    const known = error instanceof ProtocolError;
    const reasonCode = known ? error.reasonCode : ReasonCode.UNSPECIFIED_ERROR;
    const text = known ? shortened(error.message) : 'internal error';
    const { log } = this.#context;
    if (!known && log.types & LogType.ERROR) {
      const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
      log.write(LogType.ERROR, `Error: while serving client ${this.who}: ${detail}`);
    }
    this.dismiss(reasonCode, text);
  }

  /** Sends a client away, connected or not. */
  dismiss(reasonCode: ReasonCode, reason: string): void {
    if (this.#state === ConnectionState.OPEN) this.disconnect(reasonCode, reason);
    else this.refuse(reasonCode, reason);
  }

  /** Refuses a client that is not connected yet. `ending`: what the log says, where the client is told something else. */
  refuse(reasonCode: ReasonCode, reason: string, ending: Ending = endingFor(reasonCode, reason, false)): void {
    if (this.#state >= ConnectionState.CLOSING) return;
    this.#context.counters.connectionsRefused++;
    // A peer that has not said CONNECT is not known to speak MQTT: it is told nothing [MQTT-3.1.0-1].
    if (this.connectSeen) {
      const v5 = this.version === 5;
      const told = isReasonCodeOf(PacketType.CONNACK, reasonCode) ? reasonCode : ReasonCode.UNSPECIFIED_ERROR;
      this.send({
        type: PacketType.CONNACK,
        sessionPresent: false, // [MQTT-3.2.2-6]
        reasonCode: v5 ? told : connectReturnCodeOf(reasonCode),
        ...(v5 && { properties: { reasonString: shortened(reason) } }),
      });
    }
    this.close(ending);
  }

  /** Ends an open connection from this side, with a DISCONNECT for a 5.0 client. */
  disconnect(reasonCode: ReasonCode, reason: string): void {
    if (this.#state !== ConnectionState.OPEN) return;
    if (this.version === 5) {
      // What waits for the store is not sent any more; DISCONNECT itself waits for nothing.
      this.#gate = null;
      const told = isReasonCodeOf(PacketType.DISCONNECT, reasonCode) ? reasonCode : ReasonCode.UNSPECIFIED_ERROR;
      this.send({ type: PacketType.DISCONNECT, reasonCode: told, properties: { reasonString: shortened(reason) } });
    }
    this.close(endingFor(reasonCode, reason, true));
  }

  /** Ends the connection: the session is detached now, the link when its last bytes have left. */
  close(ending: Ending): void {
    if (this.#state >= ConnectionState.CLOSING) return;
    this.#leave(ending);
    this.output.finish();
    this.link.end();
  }

  /** How the log calls it: before it has a client id, by where it comes from. */
  get logName(): string {
    if (this.clientId !== '') return this.clientId;
    const { remoteAddress, transport } = this.link;
    return remoteAddress === '' ? transport : remoteAddress;
  }

  /** Where it comes from, with the port. */
  get address(): string {
    const { remoteAddress, remotePort, transport } = this.link;
    return `${remoteAddress === '' ? transport : remoteAddress}:${remotePort}`;
  }

  /** Both, as the log puts it. */
  get who(): string {
    return `${this.logName} [${this.address}]`;
  }

  #leave(ending: Ending): void {
    this.moveTo(ConnectionState.CLOSING);
    const context = this.#context;
    context.wheel.cancel(this.timer);
    if (this.authentication !== null) context.wheel.cancel(this.authentication.timer);
    this.#expiry?.cancel();
    this.#publishRate?.cancel();
    context.awaitingCommit.delete(this);
    this.#gate = null;
    if (this.isAwaited) context.slowdown.release(this);
    const { log, settings } = context;
    if (settings.connectionMessages && log.types & LogType.NOTICE) {
      const { reason, why } = ending;
      const client = this.clientId === '' ? undefined : this.clientId;
      const subject = { client, address: this.address, reason: endingText(ending) };
      if (why !== null) log.write(LogType.NOTICE, explanationOf(ending, this.who), subject);
      log.write(LogType.NOTICE, `Client ${this.who} disconnected${reason === '' ? '' : `: ${reason}`}.`, subject);
    }
    const { session } = this;
    this.session = null;
    if (session !== null) context.sessions.detach(session, this.epoch, ending);
  }
}

function mountPointOf({ mountPoint }: ListenerPolicy): MountPoint | null {
  return mountPoint === '' ? null : new MountPoint(mountPoint);
}
