import { existsSync } from 'node:fs';
import { AccessFileError } from '../access/access-file-error.js';
import { readAclFile } from '../access/acl-file.js';
import { AclRules } from '../access/acl-rules.js';
import { readDynsecFile } from '../access/dynsec/dynsec-file.js';
import { type PasswordFile, readPasswordFile } from '../access/passwords/password-file.js';
import type { AccessParts } from '../config/access-config.js';

/** The files that decide about clients, as they are now. */
export interface AccessFiles {
  readonly problems: readonly string[];
  /** What somebody should know. */
  readonly warnings: readonly string[];
  /** By their paths; none for a file with problems. */
  readonly passwords: ReadonlyMap<string, PasswordFile>;
  readonly rules: ReadonlyMap<string, AclRules>;
}

/** Reads each file once, however many listeners it is for, and gathers what is wrong. Nothing changes. */
export function readAccessFiles(access: ReadonlyMap<string, AccessParts>): AccessFiles {
  const problems: string[] = [];
  const warnings: string[] = [];
  const passwords = new Map<string, PasswordFile>();
  const rules = new Map<string, AclRules>();
  const seen = new Set<string>();
  for (const part of [...access.values()].flat()) {
    const { kind, path } = part;
    if (seen.has(`${kind} ${path}`)) continue;
    seen.add(`${kind} ${path}`);
    try {
      if (kind === 'acl-file') rules.set(path, new AclRules(readAclFile(path)));
      else if (kind === 'dynamic-security') {
        // One that is not there will be made, and one that is there will be opened for good, by whoever asked.
        if (existsSync(path)) readDynsecFile(path);
      } else {
        const file = readPasswordFile(path);
        passwords.set(path, file);
        warnings.push(...file.warnings);
      }
    } catch (error) {
      problems.push(...problemsOf(error));
    }
  }
  return { problems, warnings, passwords, rules };
}

/** @throws the error itself when it is none that a file can have */
function problemsOf(error: unknown): readonly string[] {
  if (error instanceof AccessFileError) {
    return error.problems;
  }
  throw error;
}
