import { createHmac, randomBytes } from 'node:crypto';
import { ReasonCode } from '@cauldron/codec';
import type { Admission, Credentials } from '../../core/ports/access.js';
import type { Clock } from '../../core/ports/clock.js';
import type { Gate } from '../gate.js';
import { refusal } from '../refusal.js';
import { AnswerCache } from './answer-cache.js';
import { type HttpService, NoAnswer } from './http-service.js';

/** Asks a service who gets in. Who it lets in is let in again for a while without a question. */
export class HttpGate implements Gate {
  readonly name: string;
  readonly #url: string;
  readonly #service: HttpService;
  /** By a hash of what was asked, under a key of this process: no password is kept. */
  readonly #admitted: AnswerCache<true>;
  readonly #hashKey = randomBytes(32);

  constructor(url: string, service: HttpService, cacheMs: number, clock: Clock) {
    this.name = `http_auth_url ${url}`;
    this.#url = url;
    this.#service = service;
    this.#admitted = new AnswerCache(cacheMs, () => clock.monotonicMs());
  }

  authenticate(credentials: Credentials): Admission | null | Promise<Admission | null> {
    const { username, password, provenBy } = credentials;
    // Who brings nothing is for allow_anonymous, and a name that is proven needs no password.
    if (provenBy !== null || (username === undefined && password === undefined)) return null;
    const text = textOf(password);
    if (text === null) return this.#refused('the password is no text (UTF-8), which is all that can be asked about');
    return this.#ask(credentials, text);
  }

  async #ask({ link, clientId, username, protocolVersion }: Credentials, password: string): Promise<Admission | null> {
    const { remoteAddress } = link;
    const question = {
      username: username ?? '',
      password,
      clientid: clientId,
      ipaddress: remoteAddress,
      protocol: protocolVersion,
    };
    const key = createHmac('sha256', this.#hashKey).update(JSON.stringify(question)).digest('base64');
    if (this.#admitted.get(key) === true) return this.#let(username, ', as it said a moment ago');
    try {
      const verdict = await this.#service.ask(this.#url, question);
      if (verdict === 'ignore') return null;
      if (verdict === 'deny') return this.#refused(`${this.#url} says no`);
      this.#admitted.set(key, true);
      return this.#let(username, '');
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      return {
        admitted: false,
        reasonCode: ReasonCode.SERVER_UNAVAILABLE,
        reason: 'who you are cannot be checked now: try again later',
        rule: `http_auth_url ${error.message}`,
      };
    }
  }

  #let(username: string | undefined, how: string): Admission {
    return { admitted: true, username, rule: `${this.name} says yes${how}` };
  }

  #refused(why: string): Admission {
    return refusal(`http_auth_url: ${why}`);
  }
}

/** Null: it is none. */
function textOf(bytes: Uint8Array | undefined): string | null {
  if (bytes === undefined) return '';
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
