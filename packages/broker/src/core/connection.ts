import type { Packet, ProtocolVersion, Puback, Pubcomp, Pubrec, Pubrel, QoS, Suback, Unsuback } from '@cauldron/codec';
import {
  connectReturnCodeOf,
  Framer,
  isReasonCodeOf,
  PacketType,
  ProtocolError,
  type PublishLayout,
  ReasonCode,
  reasonName,
} from '@cauldron/codec';
import type { Authentication } from './authentication.js';
import { CommitGate } from './commit-gate.js';
import { endingText, shortened } from './connection-ending.js';
import { ConnectionState, transition } from './connection-state.js';
import type { Context } from './context.js';
import { handleAcknowledgement } from './handlers/acknowledgements.js';
import { handlePacket } from './handlers/index.js';
import type { Message } from './message.js';
import { CHUNK_BYTES, Output } from './output.js';
import { fitPacket } from './packet-fit.js';
import { logAcknowledgementSent, logPublish, logSent } from './packet-log.js';
import type { Decision } from './ports/access.js';
import type { Link, LinkHandler } from './ports/link.js';
import { LogType } from './ports/log.js';
import type { Ticket } from './ports/store.js';
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

/** How a connection ends, for the log and for the will. */
export interface Ending {
  /** What the log says after `disconnected:`. */
  readonly reason: string;
  /** Whether the client is sent its will's message: always, but after a DISCONNECT that says otherwise. */
  readonly publishWill: boolean;
}

/**
 * One network connection: its bytes, its state, what it may send and take. What survives it is in its session.
 * Its link calls it with what comes in; all that it sends leaves at the end of that call, in one write.
 */
export class Connection implements LinkHandler, Expiring {
  readonly link: Link;
  readonly listener: ListenerPolicy;
  readonly output: Output;
  readonly framer: Framer;
  readonly #context: Context;
  #state: ConnectionState = ConnectionState.AWAITING_CONNECT;
  /** Reasons why nothing is read now: each `hold` is one. */
  #holds = 0;
  /** One of them: too many answers wait for it. */
  #isClogged = false;
  /** What waits for the store; null: nothing. */
  #gate: CommitGate | null = null;
  #decisions: Map<string, Decision> | null = null;

  /** The peer sent a CONNECT, if perhaps one that is refused: it speaks MQTT, and can be answered. */
  connectSeen = false;
  /** Since a CONNECT that named an authentication method; null: no AUTH may come. */
  authentication: Authentication | null = null;
  session: Session | null = null;
  /** The epoch that the session gave this connection when it was attached. */
  epoch = 0;
  version: ProtocolVersion = 4;
  /** For the log before there is a session. */
  clientId = '';
  /** The client's keep-alive, times one and a half, in ms; 0: none. */
  silenceLimitMs = 0;
  /** When anything came in last, by the timer wheel's clock. */
  lastHeardMs: number;
  /** QoS 1 and 2 messages that may be in flight to the client. */
  sendMaximum = 20;
  /** The largest packet that the client takes, in bytes. */
  maximumPacketSize = Number.POSITIVE_INFINITY;
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
    this.listener = listener;
    this.output = new Output(context.outputs, link);
    this.framer = new Framer(context.settings.maximumPacketSize);
    this.lastHeardMs = context.wheel.now;
    this.timer = new Timer(this);
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
    context.flush();
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
    if (this.#state !== ConnectionState.CLOSING) {
      const reason = error === null ? 'connection closed by client' : `network error: ${error.message}`;
      this.#leave({ reason, publishWill: true });
    }
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
    if (this.#holds === 0 && this.#state < ConnectionState.CLOSING) this.link.resume();
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
      this.fail(new ProtocolError(ReasonCode.SERVER_BUSY, 'not connected within connect_timeout'));
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
    try {
      while (this.#holds === 0 && this.#state < ConnectionState.CLOSING && framer.next()) {
        const { bytes, start } = framer;
        const type = (bytes[start] >> 4) as PacketType | 0;
        if (type === PacketType.PUBLISH) {
          if (formsRuns && run.add(this, bytes, start, framer.body, framer.end)) {
            // What a frame from elsewhere than this read lies in does not outlast the next frame.
            if (bytes !== fed) run.finish();
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
        counters.received[type]++;
        handlePacket(this.#context, this, type, bytes, start, framer.body, framer.end);
      }
      run.finish();
    } catch (error) {
      // What came before the fault counts.
      run.finish();
      this.fail(error);
    }
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
    const { framer } = this;
    framer.unread();
    this.#context.counters.received[framer.bytes[framer.start] >> 4]--; // It is counted when it comes again.
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

  forgetDecisions(): void {
    this.#decisions = null;
  }

  // ---- writing -------------------------------------------------------------------------------------------------------

  /** Sends a packet other than PUBLISH, once `ticket` is committed. One that is too large for the client is shortened. */
  send(packet: Packet, ticket: Ticket = 0): void {
    const bytes = fitPacket(packet, this.version, this.maximumPacketSize, this.wantsProblemInformation);
    if (bytes === null) return;
    const { counters, log } = this.#context;
    if (log.types & LogType.DEBUG) logSent(log, this.clientId, packet);
    counters.sent[packet.type]++;
    if (this.#mustWait(ticket)) this.#gated().holdPacket(ticket, bytes);
    else this.output.send(bytes);
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
    if (log.types & LogType.DEBUG) {
      logAcknowledgementSent(log, this.clientId, (header >> 4) as PacketType, packetId, said);
    }
    if (this.#mustWait(ticket)) this.#gated().holdAcknowledgement(ticket, header, packetId, said);
    else this.output.acknowledgement(header, packetId, said);
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

  /** Whether the message fits the packet size that the client takes, if its packet grows by `more` bytes. */
  canTake(message: Message, qos: QoS, identifiers: readonly number[] | null, more = 0): boolean {
    if (this.maximumPacketSize === Number.POSITIVE_INFINITY) return true;
    const layout = message.layout(qos, false, this.version, identifiers, this.#context.clock);
    return layout.size + more <= this.maximumPacketSize; // [MQTT-3.1.2-24]
  }

  /** Sends a PUBLISH, once `ticket` is committed; the caller has seen to bounds, window and `canTake`. */
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
    if (log.types & LogType.DEBUG) {
      const { topic, payload } = message;
      logPublish(log, 'Sending PUBLISH to', this.clientId, topic, { dup, qos, retain, packetId, payload });
    }
    counters.sent[PacketType.PUBLISH]++;
    counters.publishBytesSent += message.payload.length;
    // Clients exist that forget an alias until PUBREL: QoS 2 goes with its topic.
    const mayAlias = this.outboundAliases !== null && qos < 2 && this.canTake(message, qos, identifiers, ALIAS_BYTES);
    const aliases = mayAlias ? this.outboundAliases : null;
    const layout =
      aliases === null
        ? message.layout(qos, retain, this.version, identifiers, clock)
        : message.aliasedLayout(qos, retain, identifiers, clock, aliases);
    if (ticket > 0 && this.#mustWait(ticket)) this.#holdPublish(ticket, layout, packetId, dup);
    else if (layout.size <= CHUNK_BYTES) this.output.publish(layout, packetId, dup);
    else {
      const { payload } = message.keep();
      const head = new Uint8Array(layout.size - payload.length);
      layout.writeHead(head, 0, packetId, dup);
      this.output.share(head);
      this.output.share(payload); // The same bytes for all that it goes to.
    }
  }

  #holdPublish(ticket: Ticket, layout: PublishLayout, packetId: number, dup: boolean): void {
    if (layout.size <= CHUNK_BYTES && !dup) {
      this.#gated().holdPublish(ticket, layout, packetId);
      return;
    }
    const bytes = new Uint8Array(layout.size);
    layout.write(bytes, 0, packetId, dup);
    this.#gated().holdPacket(ticket, bytes);
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
      this.#gate = new CommitGate(this.output);
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
      log.write(LogType.ERROR, `Error: while serving client ${this.name}: ${detail}`);
    }
    if (this.#state === ConnectionState.OPEN) this.disconnect(reasonCode, text);
    else this.refuse(reasonCode, text);
  }

  /** Refuses a client that is not connected yet. */
  refuse(reasonCode: ReasonCode, reason: string): void {
    if (this.#state >= ConnectionState.CLOSING) return;
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
    this.close({ reason: `${reasonName(reasonCode).toLowerCase()}: ${reason}`, publishWill: false });
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
    this.close({ reason: endingText(reasonCode, reason), publishWill: true });
  }

  /** Ends the connection: the session is detached now, the link when its last bytes have left. */
  close(ending: Ending): void {
    if (this.#state >= ConnectionState.CLOSING) return;
    this.#leave(ending);
    this.output.finish();
    this.link.end();
  }

  /** How the log calls it. */
  get name(): string {
    return this.clientId === '' ? `<unknown> [${this.address}]` : this.clientId;
  }

  get address(): string {
    const { remoteAddress, remotePort, transport } = this.link;
    return remoteAddress === '' ? transport : `${remoteAddress}:${remotePort}`;
  }

  #leave(ending: Ending): void {
    this.moveTo(ConnectionState.CLOSING);
    const context = this.#context;
    context.wheel.cancel(this.timer);
    if (this.authentication !== null) context.wheel.cancel(this.authentication.timer);
    context.awaitingCommit.delete(this);
    this.#gate = null;
    if (this.isAwaited) context.slowdown.release(this);
    if (context.settings.connectionMessages && context.log.types & LogType.NOTICE) {
      const who = this.session === null ? `Client ${this.name}` : `Client ${this.clientId} [${this.address}]`;
      context.log.write(LogType.NOTICE, `${who} disconnected: ${ending.reason}.`);
    }
    const { session } = this;
    this.session = null;
    if (session !== null) context.sessions.detach(session, this.epoch, ending);
  }
}
