import type { Access, AclRules } from '@cauldron/broker/acl';

/** An access that would be decided otherwise. */
export interface AccessChange {
  readonly access: Access;
  /** It would be allowed then, and was not the last time; or the other way round. */
  readonly gains: boolean;
  /** What would decide. */
  readonly rule: string;
}

/** What would become of accesses with other rules: those whose answer changes, by user, client and topic. */
export function compareAccesses(accesses: readonly Access[], rules: AclRules): AccessChange[] {
  const changes = accesses.flatMap((access): AccessChange[] => {
    const { allowed, rule } = decide(rules, access);
    return allowed === access.allowed ? [] : [{ access, gains: allowed, rule }];
  });
  const key = ({ access: { username = '', clientId, topic, action } }: AccessChange): string =>
    `${username}\0${clientId}\0${topic}\0${action}`;
  return changes.sort((one, other) => (key(one) < key(other) ? -1 : 1));
}

function decide(rules: AclRules, access: Access): { allowed: boolean; rule: string } {
  if (access.action === 'subscribe') return rules.maySubscribe();
  return access.action === 'write' ? rules.mayPublish(access, access.topic) : rules.mayReceive(access, access.topic);
}

/** A line of what a broker has said. @throws Error when it is none */
export function accessFrom(line: string): Access {
  const value: unknown = JSON.parse(line);
  if (isAccess(value)) return value;
  throw new Error(`this is no access: ${line}`);
}

function isAccess(value: unknown): value is Access {
  if (typeof value !== 'object' || value === null) return false;
  const fields = value as Readonly<Record<string, unknown>>;
  return (
    ['read', 'write', 'subscribe'].includes(String(fields.action)) &&
    typeof fields.clientId === 'string' &&
    (fields.username === undefined || typeof fields.username === 'string') &&
    typeof fields.topic === 'string' &&
    typeof fields.allowed === 'boolean' &&
    typeof fields.rule === 'string'
  );
}
