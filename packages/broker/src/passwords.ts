/** Making what a password file has, for tools that work on one. */
export { hashPassword, PasswordRefused } from './access/passwords/hashing.js';
export { userNameProblem } from './access/passwords/password-file.js';
export {
  encodePasswordHash,
  HASH_KINDS,
  type HashKind,
  looksHashed,
  MAX_PBKDF2_ITERATIONS,
  MAX_SCRAM_ITERATIONS,
  MIN_SCRAM_ITERATIONS,
} from './access/passwords/password-hash.js';
