import { isValidTopicFilter } from '@cauldron/codec';
import type { JWTPayload } from 'jose';
import { isRecord } from './jwt-keys.js';

/** Of each list. */
const MAX_FILTERS = 1000;

/** What could make a name that stands in a filter match more than itself. */
const WIDENING = /[+#/]/;

/** For whom a token is. */
export interface JwtClient {
  readonly clientId: string;
  readonly username: string;
}

/** What a token says about topics: what a client may publish to, and subscribe to. */
export class JwtGrants {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];

  constructor(publish: readonly string[], subscribe: readonly string[]) {
    this.publish = publish;
    this.subscribe = subscribe;
  }
}

/**
 * What the claims `publ` and `subs` say, lists of filters; or those of `acl`: `{"pub": [], "sub": [], "all": []}`. In them
 * `%u` and `%c` are the user name and the client id. Null: the token says nothing about topics.
 * @throws Error with what is wrong with the claims, as a clause
 */
export function grantsIn(payload: JWTPayload, client: JwtClient): JwtGrants | null {
  const { publ, subs, acl } = payload;
  if (publ === undefined && subs === undefined && acl === undefined) return null;
  if (acl !== undefined && !isRecord(acl)) throw new Error('its claim acl is not an object with pub, sub and all');
  const { pub, sub, all } = acl ?? {};
  const forBoth = filtersIn('acl.all', all, client);
  return new JwtGrants(
    [...filtersIn('publ', publ, client), ...filtersIn('acl.pub', pub, client), ...forBoth],
    [...filtersIn('subs', subs, client), ...filtersIn('acl.sub', sub, client), ...forBoth],
  );
}

function filtersIn(claim: string, list: unknown, client: JwtClient): string[] {
  if (list === undefined) return [];
  const isList = Array.isArray(list) && list.every((filter): filter is string => typeof filter === 'string');
  if (!isList) throw new Error(`its claim ${claim} is not a list of topic filters`);
  if (list.length > MAX_FILTERS) throw new Error(`its claim ${claim} has more than ${MAX_FILTERS} filters`);
  return list.flatMap((pattern, index) => {
    const filter = filled(pattern, client);
    if (filter === null) return [];
    if (!isValidTopicFilter(filter)) throw new Error(`filter ${index + 1} of its claim ${claim} is not valid`);
    return [filter];
  });
}

/** Null: a name in it would make it match more than was meant, so it matches nothing. */
function filled(pattern: string, { clientId, username }: JwtClient): string | null {
  if (pattern.includes('%u') && WIDENING.test(username)) return null;
  if (pattern.includes('%c') && WIDENING.test(clientId)) return null;
  return pattern.replace(/%[uc]/g, (name) => (name === '%u' ? username : clientId));
}
