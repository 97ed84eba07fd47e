import {
  type AccessPorts,
  type Authenticator,
  type Authorizer,
  type Decision,
  type EnhancedAuthenticator,
  readConfig,
  startServer,
  VERSION,
} from '@cauldron/broker';
import { ReasonCode } from '@cauldron/codec';
import { ARRANGEMENTS, type ArrangementName } from '../suite/arrangements.js';
import { StartedTarget } from './started-target.js';

/** This product's broker, in this process, on free ports of 127.0.0.1. */
export function cauldronTarget(): StartedTarget {
  return new StartedTarget(`cauldron ${VERSION}`, { graceMs: 0, mustExplain: true }, async (arrangement) => {
    const lines = ['listener 0 127.0.0.1', 'allow_anonymous true', 'log_type none', ...ARRANGEMENTS[arrangement].lines];
    const server = await startServer(readConfig(lines.join('\n'), arrangement), ACCESS[arrangement]);
    const [{ address, port }] = server.endpoints;
    return {
      endpoint: { host: address, port, webSocketUrl: `ws://${address}:${port}/mqtt` },
      stop: () => server.stop(),
    };
  });
}

const PASSWORDS: Authenticator = {
  authenticate({ username, password }) {
    const rule = 'the arrangement "passwords"';
    if (username === 'fry' && password !== undefined && Buffer.from(password).toString() === 'slurm') {
      return { admitted: true, username, rule };
    }
    const isAnonymous = username === undefined;
    return {
      admitted: false,
      reasonCode: isAnonymous ? ReasonCode.NOT_AUTHORIZED : ReasonCode.BAD_USER_NAME_OR_PASSWORD,
      reason: isAnonymous ? 'a user name is needed' : 'wrong user name or password',
      rule,
    };
  },
};

const DENIED = /^conformance\/[^/]+\/denied$/;

function decide(topic: string): Decision {
  return { allowed: !DENIED.test(topic), rule: 'the arrangement "access"' };
}

const ACCESS_RULES: Authorizer = {
  unrestricted: false,
  version: 1,
  mayPublish: (_client, topic) => decide(topic),
  maySubscribe: (_client, filter) => decide(filter),
  mayReceive: (_client, topic) => decide(topic),
};

const FAULTY_RULES: Authorizer = {
  ...ACCESS_RULES,
  mayPublish(_client, topic) {
    if (/^conformance\/[^/]+\/fault$/.test(topic)) throw new Error('the arrangement "fault"');
    return { allowed: true, rule: 'the arrangement "fault"' };
  },
};

const QUESTIONS: EnhancedAuthenticator = {
  begin(_credentials, method) {
    if (method !== 'conformance') return null;
    const rule = 'the arrangement "enhanced-authentication"';
    let isAsked = false;
    return {
      next(data) {
        if (!isAsked) {
          isAsked = true;
          return { challenge: Buffer.from('who?') };
        }
        if (data !== undefined && Buffer.from(data).toString() === 'me') {
          return { admitted: true, username: 'me', rule };
        }
        return { admitted: false, reasonCode: ReasonCode.NOT_AUTHORIZED, reason: 'that is not you', rule };
      },
    };
  },
};

/** What the configuration cannot say. */
const ACCESS: Readonly<Partial<Record<ArrangementName, AccessPorts>>> = {
  passwords: { authenticator: PASSWORDS },
  access: { authorizer: ACCESS_RULES },
  fault: { authorizer: FAULTY_RULES },
  'enhanced-authentication': { enhancedAuthenticator: QUESTIONS },
};
