import { type Connack, type Packet, PacketType } from '@cauldron/codec';
import { Client } from './client.js';
import type { ConnectOptions } from './options.js';
import { referredUrls } from './reconnection/referral.js';
import { type Server, Servers } from './reconnection/servers.js';
import { connack, ManualClock, ScriptedServer, turn } from './scripted-server.test-support.js';

/** A client and the servers that it may connect to: the test is all of them. Each connection has a script of its own. */
export class ScriptedNetwork {
  readonly clock = new ManualClock();
  readonly client: Client;
  /** What each attempt to connect was made to, in their order. */
  readonly attempts: { readonly host: string; readonly server: ScriptedServer }[] = [];
  /** What chance says. */
  random = 0.5;
  readonly #version: 3 | 4 | 5;

  constructor(options: ConnectOptions = {}, hosts: readonly string[] = ['mqtt://a']) {
    this.#version = options.protocolVersion ?? 5;
    const servers = hosts.map((host) => this.#serverAt(new URL(host)));
    const referral = async (references: string, from: URL) =>
      referredUrls(references, from).map((url) => this.#serverAt(url));
    const surroundings = { clock: this.clock, random: () => this.random };
    this.client = new Client(new Servers(servers, referral), options, surroundings);
  }

  /** The server of the last attempt. */
  get server(): ScriptedServer {
    const attempt = this.attempts.at(-1);
    if (attempt === undefined) throw new Error('The client has not tried to connect');
    return attempt.server;
  }

  /** The hosts that were tried. */
  get hosts(): readonly string[] {
    return this.attempts.map(({ host }) => host);
  }

  /** The last attempt reaches its server. @returns the CONNECT */
  async open(): Promise<Packet> {
    this.server.events.opened();
    await turn();
    return this.server.received.splice(0, 1)[0];
  }

  /** The server of the last attempt accepts. @returns the CONNECT */
  async accept(answer: Connack = connack()): Promise<Packet> {
    const connect = await this.open();
    await this.server.send(answer);
    return connect;
  }

  /** The last connection breaks, or the attempt fails. */
  async cut(message = 'cut'): Promise<void> {
    await this.server.close(new Error(message));
  }

  /** The wait for the next attempt passes, and not the time that this attempt has. */
  async passTime(ms = 20_000): Promise<void> {
    await this.clock.advance(ms);
  }

  /** The connection breaks, and another one comes about. @returns the CONNECT */
  async reconnect(answer: Connack = connack(undefined, { sessionPresent: true })): Promise<Packet> {
    await this.cut();
    await this.passTime();
    return this.accept(answer);
  }

  /** Answers everything that the server of the last attempt has received, until the client says nothing more. */
  async answerAll(): Promise<Packet[]> {
    const all: Packet[] = [];
    for (let packets = this.server.take(); packets.length > 0; packets = this.server.take()) {
      all.push(...packets);
      for (const packet of packets) {
        const answer = answerTo(packet);
        if (answer !== null) await this.server.send(answer);
      }
    }
    return all;
  }

  #serverAt(url: URL): Server {
    const open: Server['open'] = (events) => {
      const server = new ScriptedServer(this.#version);
      this.attempts.push({ host: url.host, server });
      return server.open(events);
    };
    return { url, open, credentials: {} };
  }
}

function answerTo(packet: Packet): Packet | null {
  const { PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK } = PacketType;
  switch (packet.type) {
    case PUBLISH:
      if (packet.packetId === undefined) return null;
      return { type: packet.qos === 1 ? PUBACK : PUBREC, packetId: packet.packetId, reasonCode: 0 };
    case PUBREL:
      return { type: PUBCOMP, packetId: packet.packetId, reasonCode: 0 };
    case SUBSCRIBE:
      return { type: SUBACK, packetId: packet.packetId, reasonCodes: packet.subscriptions.map(({ qos }) => qos) };
    case UNSUBSCRIBE:
      return { type: UNSUBACK, packetId: packet.packetId, reasonCodes: packet.filters.map(() => 0) };
    default:
      return null;
  }
}
