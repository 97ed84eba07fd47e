import { AccessControl } from '../access/access-control.js';
import type { Access as RecordedAccess } from '../access/access-record.js';
import { readDynsecFile } from '../access/dynsec/dynsec-file.js';
import { DynsecRules } from '../access/dynsec/dynsec-rules.js';
import type { TopicRules } from '../access/topic-rules.js';
import type { BrokerConfig } from '../config/config.js';
import type { Authorizer, Decision, Principal } from '../core/ports/access.js';
import { reasonWhyReserved } from '../core/publishing.js';
import { readAccessFiles } from './access-files.js';
import { StartError } from './start-error.js';

/** Whether somebody may do something, and what decides. */
export interface AccessQuestion {
  readonly username: string | undefined;
  readonly clientId: string;
  readonly action: RecordedAccess['action'];
  /** For `subscribe` a filter. */
  readonly topic: string;
  /** The port of the listener that the client comes through; null: that makes no difference. */
  readonly port: number | null;
}

/** The answer to a question about rights, as the core would get it. @throws (rejects) StartError: no listener is meant */
export async function explainAccess(
  authorizer: Authorizer,
  config: BrokerConfig,
  { username, clientId, action, topic, port }: AccessQuestion,
): Promise<Decision> {
  const client: Principal = { clientId, username, address: '', access: accessNameFor(config, port) };
  if (action === 'read') return authorizer.mayReceive(client, topic);
  if (action === 'subscribe') return authorizer.maySubscribe(client, topic, 0);
  const reserved = reasonWhyReserved(topic);
  return reserved === null ? authorizer.mayPublish(client, topic) : { allowed: false, rule: reserved };
}

/**
 * What the files say that a configuration names, for asking without a broker: ACL files and dynamic security. Who is asked
 * by HTTP, or brings a token, is known to a broker that runs only.
 * @throws StartError with all that is wrong with the files
 */
export function authorizerOf({ access }: BrokerConfig): Authorizer {
  const files = readAccessFiles(access);
  if (files.problems.length > 0) throw new StartError(files.problems);
  const sets = [...access].map(([name, parts]) => {
    const rules = parts.flatMap((part): TopicRules[] => {
      if (part.kind === 'dynamic-security') {
        const { state } = readDynsecFile(part.path);
        return [new DynsecRules(() => state, part)];
      }
      const rules = part.kind === 'acl-file' ? files.rules.get(part.path) : undefined;
      return rules === undefined ? [] : [rules];
    });
    return [name, { gates: [], rules, exchanges: [] }] as const;
  });
  const control = new AccessControl();
  control.replace(new Map(sets));
  return control;
}

/** `ListenerPolicy.access` of the listener with this port. @throws StartError */
function accessNameFor({ listeners }: BrokerConfig, port: number | null): string {
  const ports = listeners.map((listener) => listener.port).join(', ');
  const meant = port === null ? listeners : listeners.filter((listener) => listener.port === port);
  const names = [...new Set(meant.map(({ policy }) => policy.access))];
  if (names.length === 1) return names[0];
  throw new StartError(
    port === null
      ? `The listeners have rules of their own: name one of them by --port (${ports}).`
      : `Not one listener, but ${meant.length} have the port ${port}; there are ${ports}.`,
  );
}
