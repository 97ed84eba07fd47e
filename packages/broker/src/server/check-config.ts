import type { BrokerConfig } from '../config/config.js';
import { readAccessFiles } from './access-files.js';
import { checkBans } from './door.js';
import { bindingsOf } from './listen-addresses.js';
import { checkTls } from './listener-tls.js';
import { OtherWays } from './other-ways.js';
import { StartError } from './start-error.js';

/** What would keep a broker from starting with a configuration, and what it would warn of. */
export interface ConfigCheck {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Looks at what a configuration needs of this machine, as a start would: certificates, keys, and other files, addresses and
 * network devices. Nothing is opened or changed, so a port that is in use is not noticed.
 */
export async function checkConfig(config: BrokerConfig): Promise<ConfigCheck> {
  const { abuse, access, listeners, warnings } = config;
  const tls = checkTls(listeners);
  const files = readAccessFiles(access);
  const problems = [...tls.problems, ...files.problems];
  const looks: (() => unknown)[] = [
    () => new OtherWays().prepare(config),
    () => checkBans(abuse),
    ...listeners.map((listener) => () => bindingsOf(listener)),
  ];
  for (const look of looks) {
    try {
      await look();
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      problems.push(...error.problems);
    }
  }
  return { problems, warnings: [...warnings, ...tls.warnings, ...files.warnings] };
}
