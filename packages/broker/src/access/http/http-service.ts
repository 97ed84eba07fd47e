import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import type { HttpAccessConfig } from '../../config/http-options.js';
import type { HttpFiles } from './http-files.js';

/** Of an answer: a yes or no needs far less. */
const MAX_ANSWER_BYTES = 64 * 1024;
/** Questions that may wait for those under way: more are refused at once, instead of growing old. */
const MAX_WAITING = 2000;

/** What is asked: names and values, in the order in which they are sent. */
export type Question = Readonly<Record<string, string | number>>;

export type Verdict = 'allow' | 'deny' | 'ignore';

/** Why there is no answer, as a clause that names the service. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/** A service that says yes or no, over connections that stay open. */
export class HttpService {
  readonly #config: HttpAccessConfig;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #agents: { readonly plain: HttpAgent; readonly secure: HttpsAgent };
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;
  #isRetired = false;

  constructor(config: HttpAccessConfig, { headers, ca }: HttpFiles) {
    this.#config = config;
    this.#headers = headers;
    const options = { keepAlive: true, maxSockets: config.maxRequests, scheduling: 'lifo' } as const;
    this.#agents = {
      plain: new HttpAgent(options),
      secure: new HttpsAgent({ ...options, ...(ca !== null && { ca }) }),
    };
  }

  /** Asks, within the time limit, waiting included. @throws (rejects) NoAnswer */
  async ask(url: string, question: Question): Promise<Verdict> {
    const deadline = AbortSignal.timeout(this.#config.timeoutMs);
    await this.#begin(url, deadline);
    try {
      const { status, text } = await this.#post(url, question, deadline);
      return verdictOf(url, status, text);
    } finally {
      this.#underWay--;
      this.#waiting.shift()?.();
      if (this.#isRetired && this.#underWay === 0) this.close();
    }
  }

  /** No more questions follow. Those under way are answered, then its connections end. */
  retire(): void {
    this.#isRetired = true;
    if (this.#underWay === 0) this.close();
  }

  /** Ends its connections now; what is under way gets no answer. */
  close(): void {
    this.#agents.plain.destroy();
    this.#agents.secure.destroy();
  }

  /** Resolves when it is this question's turn. */
  async #begin(url: string, deadline: AbortSignal): Promise<void> {
    if (this.#underWay < this.#config.maxRequests) {
      this.#underWay++;
      return;
    }
    if (this.#waiting.length >= MAX_WAITING) throw new NoAnswer(`${url}: ${MAX_WAITING} questions wait already`);
    await new Promise<void>((resolve, reject) => {
      const giveUp = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(begin), 1);
        reject(new NoAnswer(`${url}: ${this.#overdue}`));
      };
      const begin = (): void => {
        deadline.removeEventListener('abort', giveUp);
        this.#underWay++;
        resolve();
      };
      deadline.addEventListener('abort', giveUp, { once: true });
      this.#waiting.push(begin);
    });
  }

  #post(url: string, question: Question, deadline: AbortSignal): Promise<{ status: number; text: string }> {
    const isJson = this.#config.format === 'json';
    const body = isJson ? JSON.stringify(question) : new URLSearchParams(textsOf(question)).toString();
    const headers = {
      ...this.#headers,
      accept: 'application/json, text/plain',
      'content-type': isJson ? 'application/json' : 'application/x-www-form-urlencoded',
      'content-length': Buffer.byteLength(body),
    };
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => reject(new NoAnswer(`${url}: ${why}`));
      const take = (response: IncomingMessage): void => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          chunks.push(chunk);
          if (size > MAX_ANSWER_BYTES) asked.destroy(new Error(`its answer is longer than ${MAX_ANSWER_BYTES} bytes`));
        });
        response.on('error', onError);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
      };
      const onError = (error: Error): void => fail(deadline.aborted ? this.#overdue : error.message);
      const { plain, secure } = this.#agents;
      const asked: ClientRequest = url.startsWith('https:')
        ? requestHttps(url, { method: 'POST', headers, agent: secure, signal: deadline }, take)
        : requestHttp(url, { method: 'POST', headers, agent: plain, signal: deadline }, take);
      asked.on('error', onError);
      asked.end(body);
    });
  }

  get #overdue(): string {
    return `no answer within ${this.#config.timeoutMs / 1000} s (http_timeout)`;
  }
}

function textsOf(question: Question): Record<string, string> {
  return Object.fromEntries(Object.entries(question).map(([name, value]) => [name, String(value)]));
}

/**
 * What an answer says. A 2xx says yes: without a body, or with `ok` or `allow`, or with JSON that says `result` or `ok`; a
 * 4xx says no, unless it says that the question came at the wrong time. Whatever else comes is no answer.
 * @throws NoAnswer
 */
function verdictOf(url: string, status: number, text: string): Verdict {
  if (status >= 400 && status < 500 && status !== 408 && status !== 429) return 'deny';
  if (status < 200 || status > 299) throw new NoAnswer(`${url}: it answers ${status}`);
  const said = text.trim();
  if (said === '' || said === 'ok' || said === 'allow') return 'allow';
  if (said === 'deny' || said === 'ignore') return said;
  const verdict = verdictIn(said);
  if (verdict === null) {
    throw new NoAnswer(
      `${url}: it answers ${status} with something else than {"result": "allow"}, "deny" or "ignore", or {"ok": true} or false`,
    );
  }
  return verdict;
}

/** What a JSON object says; null: nothing that is known. */
function verdictIn(text: string): Verdict | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  if ('result' in value) {
    const { result } = value;
    return result === 'allow' || result === 'deny' || result === 'ignore' ? result : null;
  }
  if ('ok' in value && typeof value.ok === 'boolean') return value.ok ? 'allow' : 'deny';
  return null;
}
