import type { Gate } from '../access/gate.js';
import { JwtGate } from '../access/jwt/jwt-gate.js';
import { readJwtKeys } from '../access/jwt/jwt-keys.js';
import { JwtRules } from '../access/jwt/jwt-rules.js';
import type { TopicRules } from '../access/topic-rules.js';
import type { BrokerConfig } from '../config/config.js';
import { systemClock } from '../system.js';

/** Tokens instead of passwords. */
export class JwtWay {
  readonly gate: Gate;

  /** Reads the keys. @throws AccessFileError */
  constructor(config: NonNullable<BrokerConfig['jwt']>) {
    this.gate = new JwtGate(config, readJwtKeys(config), systemClock.wallMs);
  }

  /** `isAlone`: nobody else knows anything about topics. */
  rules(isAlone: boolean): TopicRules {
    return new JwtRules(isAlone);
  }
}
