// What the page of the tests runs: the client as browsers get it, and functions that a test calls from outside.
import { type Client, type ConnectOptions, connect, indexedDbOutbox } from '../../packages/client/src/browser.js';
import { Correspondent } from './correspondent.js';

/** Two clients that write to each other, and how they fare. */
class Correspondence {
  readonly #clients: readonly [Client, Client];
  readonly #annas: Correspondent;
  readonly #berts: Correspondent;
  #writing: readonly Promise<void>[] = [];
  #ended = 0;

  private constructor(anna: Client, bert: Client) {
    this.#clients = [anna, bert];
    this.#annas = new Correspondent(anna, 'to/bert', 'to/anna');
    this.#berts = new Correspondent(bert, 'to/anna', 'to/bert');
    for (const client of this.#clients) client.events.on('offline', () => this.#ended++);
  }

  static async begin(url: string, options: ConnectOptions): Promise<Correspondence> {
    const [anna, bert] = await Promise.all(['anna', 'bert'].map((clientId) => connect(url, { ...options, clientId })));
    const correspondence = new Correspondence(anna, bert);
    await correspondence.#begin();
    return correspondence;
  }

  /** Resolves when so many more messages have come to one of them. */
  untilReceived(count: number): Promise<void> {
    return this.#annas.untilReceived(count);
  }

  /** Ends the writing. Resolves with what was written and read, when the last of it has come. */
  async finish() {
    const [annas, berts] = [this.#annas, this.#berts];
    annas.stopWriting();
    berts.stopWriting();
    await Promise.all(this.#writing);
    await Promise.all([annas.untilLast(berts.sent - 1), berts.untilLast(annas.sent - 1)]);
    await Promise.all(this.#clients.map((client) => client.disconnect()));
    return {
      ended: this.#ended,
      exchanges: [
        { sent: annas.sent, received: berts.received },
        { sent: berts.sent, received: annas.received },
      ],
    };
  }

  async #begin(): Promise<void> {
    await Promise.all([this.#annas.listen(), this.#berts.listen()]);
    this.#writing = [this.#annas.write(this.#berts), this.#berts.write(this.#annas)];
  }
}

/** A client whose messages survive the page. */
class LastingPublisher {
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
  }

  static async begin(url: string, clientId: string): Promise<LastingPublisher> {
    return new LastingPublisher(await connect(url, { clientId, outbox: indexedDbOutbox(clientId) }));
  }

  /** Publishes until the page is gone, and tells each message that was stored. */
  async write(run: number, stored: (message: string) => void): Promise<never> {
    for (let number = 0; ; number++) {
      const qos = number % 2 === 0 ? 1 : 2;
      const message = `${run}:${number}`;
      await this.#client.publish(`mortal/${qos}`, message, { qos, until: 'stored' });
      stored(message);
    }
  }

  /** Resolves when everything is with the server. */
  finish(): Promise<void> {
    return this.#client.disconnect();
  }
}

export const pageProgram = { Correspondence, LastingPublisher };

Object.assign(globalThis, { pageProgram });
