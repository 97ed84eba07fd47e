import type { PasswordHash } from './password-hash.js';

/**
 * A hash that takes the same work as those of most users, for names that nobody has: they must not be known by the clock.
 * Null: nobody has a password.
 */
export function usualHash(hashes: Iterable<PasswordHash>): PasswordHash | null {
  const counts = new Map<string, number>();
  let usual: PasswordHash | null = null;
  let most = 0;
  for (const hash of hashes) {
    const cost = costOf(hash);
    const count = (counts.get(cost) ?? 0) + 1;
    counts.set(cost, count);
    if (count <= most) continue;
    usual = hash;
    most = count;
  }
  return usual;
}

function costOf(hash: PasswordHash): string {
  switch (hash.kind) {
    case 'sha512':
      return hash.kind;
    case 'sha512-pbkdf2':
    case 'scram-sha-256':
      return `${hash.kind} ${hash.iterations}`;
    case 'argon2id':
      return `${hash.kind} ${hash.memoryKiB} ${hash.passes} ${hash.lanes}`;
  }
}
