import { ReasonCode } from '@cauldron/codec';
import type { Admission, Authenticator, Authorizer, Credentials, Decision } from './ports/access.js';
import type { Doorkeeper } from './ports/doorkeeper.js';

/** No user is known: whether anybody gets in is the listener's setting. */
export const openAuthenticator: Authenticator = {
  authenticate({ listener, provenBy, username }: Credentials): Admission {
    if (provenBy !== null) return { admitted: true, username, rule: 'the user name is the TLS-PSK identity' };
    if (listener.allowAnonymous) {
      return { admitted: true, username, rule: `listener ${listener.name}: allow_anonymous true` };
    }
    return {
      admitted: false,
      reasonCode: ReasonCode.NOT_AUTHORIZED,
      reason: 'not authorised',
      rule: `listener ${listener.name}: allow_anonymous false, and no users are configured`,
    };
  },
};

const ALLOWED: Decision = { allowed: true, rule: 'no access rules are configured' };

export const openAuthorizer: Authorizer = {
  unrestricted: true,
  version: 0,
  mayPublish: () => ALLOWED,
  maySubscribe: () => ALLOWED,
  mayReceive: () => ALLOWED,
};

/** Nobody is turned away. */
export const openDoorkeeper: Doorkeeper = {
  mayCome: () => null,
  mayTry: () => null,
  mayStay: () => null,
  succeeded: () => {},
  failed: () => {},
};
