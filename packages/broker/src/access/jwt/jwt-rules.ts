import { parseSharedFilter, topicMatches } from '@cauldron/codec';
import type { Decision, Principal } from '../../core/ports/access.js';
import { filterCovers } from '../acl-filters.js';
import type { TopicRules } from '../topic-rules.js';
import { JwtGrants } from './jwt-grants.js';

/**
 * What the tokens of clients say about topics. It decides about clients whose token has such claims, and has nothing to say
 * about others.
 */
export class JwtRules implements TopicRules {
  readonly name = 'tokens (jwt)';
  readonly answersAtOnce = true;
  onChange: () => void = () => {};
  /** For clients without such claims. */
  readonly #otherwise: Decision | null;

  /** `isAlone`: there are no other rules, so clients without such claims may do everything, as without this one. */
  constructor(isAlone: boolean) {
    this.#otherwise = isAlone
      ? { allowed: true, rule: 'no access rules are configured for clients without a token' }
      : null;
  }

  mayPublish({ grants }: Principal, topic: string): Decision | null {
    // Also whose token is not known any more: its will and its retained messages were allowed when it had one.
    if (!(grants instanceof JwtGrants)) return this.#otherwise;
    const found = grants.publish.find((filter) => topicMatches(filter, topic));
    return decision(found, 'publish to it');
  }

  maySubscribe({ grants }: Principal, filter: string): Decision | null {
    if (!(grants instanceof JwtGrants)) return this.#otherwise;
    const wanted = parseSharedFilter(filter)?.filter ?? filter;
    const found = grants.subscribe.find((granted) => filterCovers(granted, wanted));
    return decision(found, 'subscribe to it');
  }

  mayReceive({ access, grants }: Principal, topic: string): Decision | null {
    if (grants instanceof JwtGrants) {
      const found = grants.subscribe.find((filter) => topicMatches(filter, topic));
      return decision(found, 'read it');
    }
    // Its token is not known any more: messages wait for the next one, and it is asked again then.
    if (access === undefined) return { allowed: true, rule: 'the client has to show its token first' };
    return this.#otherwise;
  }
}

function decision(filter: string | undefined, what: string): Decision {
  if (filter !== undefined) return { allowed: true, rule: `the token allows ${filter}` };
  return { allowed: false, rule: `the token does not allow the client to ${what}` };
}
