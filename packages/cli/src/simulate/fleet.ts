import { setMaxListeners } from 'node:events';
import {
  type Client,
  type ClientError,
  type ConnectOptions,
  connectOver,
  type PublishOptions,
  type ReconnectOptions,
  type TransportFactory,
} from '@cauldron/client';
import { BreakableNetwork } from './breakable-network.js';
import type { Device, Publication } from './device.js';

/** What a fleet has done so far. */
export interface FleetCounts {
  readonly online: number;
  /** Handed to the clients. */
  readonly published: number;
  /** Not published: the device was not connected, or the broker refused. */
  readonly lost: number;
  readonly cuts: number;
  /** Connections that were lost though nobody cut them. */
  readonly failures: number;
}

export interface FleetOptions {
  readonly devices: readonly Device[];
  /** How the broker is reached. */
  readonly open: TransportFactory;
  /** For all devices: what is their own comes on top. */
  readonly connect: ConnectOptions;
  /** Told when a device is over: it does not connect again. */
  readonly onOver: (device: Device, error: ClientError) => void;
}

/** So many connect at a time: brokers, and those who watch them, do not like more. */
const CONNECTING_AT_A_TIME = 50;
/** How soon a device tries again after its network has come back. */
const RECONNECT = { minDelayMs: 200, maxDelayMs: 3_000 };
/** For saying goodbye. */
const FAREWELL_MS = 5_000;

interface Member {
  readonly client: Client;
  readonly network: BreakableNetwork;
  isOnline: boolean;
  /** Its network is. */
  isCut: boolean;
}

/** The devices of a simulation, each with a connection of its own. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #members: Member[] = [];
  /** Topics that have a retained message of this fleet. */
  readonly #retained = new Set<string>();
  #published = 0;
  #lost = 0;
  #cuts = 0;
  #failures = 0;
  #isLeaving = false;

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  get counts(): FleetCounts {
    return {
      online: this.#members.reduce((sum, { isOnline }) => sum + Number(isOnline), 0),
      published: this.#published,
      lost: this.#lost,
      cuts: this.#cuts,
      failures: this.#failures,
    };
  }

  get retainedTopics(): number {
    return this.#retained.size;
  }

  /**
   * Connects all devices: when the first one was let in, the others, who try again if the network is to blame.
   * @throws (rejects) what a device is told that cannot connect, or the signal's reason
   */
  async connect(signal: AbortSignal): Promise<void> {
    const { devices } = this.#options;
    const failed = new AbortController();
    const either = AbortSignal.any([signal, failed.signal]);
    // All that connect at a time listen to it.
    setMaxListeners(CONNECTING_AT_A_TIME + 1, either);
    this.#members.push(await this.#join(devices[0], RECONNECT, signal));
    let next = 1;
    const work = async (): Promise<void> => {
      while (next < devices.length) {
        const place = next++;
        try {
          this.#members[place] = await this.#join(devices[place], { ...RECONNECT, initially: true }, either);
        } catch (error) {
          failed.abort(error);
          throw error;
        }
      }
    };
    const workers = Array.from({ length: Math.min(CONNECTING_AT_A_TIME, devices.length - 1) }, work);
    const outcomes = await Promise.allSettled(workers);
    if (outcomes.some(({ status }) => status === 'rejected')) throw either.reason;
  }

  publish(device: number, publication: Publication): void {
    const { client } = this.#members[device];
    const { topic, payload, qos, retain } = publication;
    this.#published += 1;
    if (retain) this.#note(publication);
    const options: PublishOptions = { qos, retain };
    client.publish(topic, payload, options).catch(() => {
      this.#lost += 1;
    });
  }

  cut(device: number): void {
    const member = this.#members[device];
    this.#cuts += 1;
    member.isCut = true;
    member.network.cut();
  }

  restore(device: number): void {
    const member = this.#members[device];
    member.isCut = false;
    member.network.restore();
  }

  /**
   * Lets all devices say goodbye. What their wills would have said to be retained, they say themselves.
   * @param clearsRetained takes back what the fleet has left with the broker
   */
  async leave(clearsRetained: boolean): Promise<void> {
    this.#isLeaving = true;
    const present = this.#members.filter((member) => member !== undefined);
    const late = new Promise<void>((resolve) => setTimeout(resolve, FAREWELL_MS).unref());
    const allSaid = Promise.allSettled(this.#members.flatMap((member, place) => this.#lastWords(member, place)));
    await Promise.race([allSaid, late]);
    const speaker = present.find(({ client }) => client.state === 'online');
    if (clearsRetained && speaker !== undefined) {
      const cleared = Array.from(this.#retained, (topic) =>
        speaker.client.publish(topic, '', { qos: 1, retain: true }),
      );
      await Promise.race([Promise.allSettled(cleared), late]);
      this.#retained.clear();
    }
    await Promise.race([Promise.allSettled(present.map(({ client }) => client.disconnect())), late]);
  }

  #lastWords(member: Member, place: number): Promise<unknown>[] {
    const { will } = this.#options.devices[place];
    if (will === null || !will.retain || member.client.state !== 'online') return [];
    return [member.client.publish(will.topic, will.payload, { qos: will.qos, retain: true })];
  }

  async #join(device: Device, reconnect: ReconnectOptions, signal: AbortSignal): Promise<Member> {
    const network = new BreakableNetwork(this.#options.open);
    const client = await connectOver(network.open, { ...this.#optionsFor(device), reconnect, signal });
    const member: Member = { client, network, isOnline: true, isCut: false };
    client.events.on('online', () => {
      member.isOnline = true;
    });
    client.events.on('state', (state) => {
      if (state === 'online' || !member.isOnline) return;
      member.isOnline = false;
      if (!member.isCut && !this.#isLeaving) this.#failures += 1;
    });
    void client.closed.then((error) => {
      if (error !== null && !this.#isLeaving) this.#options.onOver(device, error);
    });
    if (device.birth !== null) this.#note(device.birth);
    if (device.will !== null) this.#note(device.will);
    return member;
  }

  #note({ topic, payload, retain }: Publication): void {
    if (!retain) return;
    if (payload === '') this.#retained.delete(topic);
    else this.#retained.add(topic);
  }

  #optionsFor(device: Device): ConnectOptions {
    const { username, password, will, birth, group, id } = device;
    return {
      ...this.#options.connect,
      clientId: id,
      ...(username !== null && { username }),
      ...(password !== null && { password }),
      ...(will !== null && { will }),
      ...(birth !== null && { birth }),
      offline: group.dropouts?.keepsMessages === true ? 'queue' : 'fail',
    };
  }
}
