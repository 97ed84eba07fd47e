import type { ConnectOptions } from './options.js';

/** A part of the client that few programs need, or none at first: a page loads it when it is needed. */
export class OptionalPart<T> {
  readonly #load: () => Promise<T>;
  /** Null: not loaded. */
  loaded: T | null = null;

  constructor(load: () => Promise<T>) {
    this.#load = load;
  }

  /** Loads it, unless it is there. May be called again after a failure. @throws (rejects) what `import` does */
  async load(): Promise<T> {
    const part = this.loaded ?? (await this.#load());
    this.loaded = part;
    return part;
  }
}

/** For `ConnectOptions.authentication`. */
export const authenticationPart = new OptionalPart(() => import('./authentication/authentication.js'));

/** For `Client.request` and `Client.respond`. Pages load it in the background once they are connected. */
export const requestPart = new OptionalPart(() => import('./subscriptions/request-response.js'));

/** For schemas in the place of codecs. */
export const codecPart = new OptionalPart(() => import('./subscriptions/payload-codec.js'));

/** For `ConnectOptions.presence` and `ConnectOptions.birth`. */
export const presencePart = new OptionalPart(() => import('./reconnection/presence.js'));

/** Loads what the options ask for. @returns null when it is all there; rejected with what `import` throws */
export function loadFor({ authentication, presence, birth }: ConnectOptions): Promise<unknown> | null {
  const asked = [...(authentication ? [authenticationPart] : []), ...((presence ?? birth) ? [presencePart] : [])];
  const missing = asked.filter((part) => part.loaded === null);
  return missing.length === 0 ? null : Promise.all(missing.map((part) => part.load()));
}
