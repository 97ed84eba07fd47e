import { readFileSync } from 'node:fs';
import { reading, TlsFileError } from './tls-file-error.js';

/** Of OpenSSL. */
const MAX_IDENTITY_BYTES = 256;
const MAX_KEY_BYTES = 512;
/** More would not be read. */
const MAX_PROBLEMS = 20;

/**
 * The keys in a file of lines `identity:key`, the key in hexadecimal. Empty lines and those that begin with # say nothing.
 * @throws TlsFileError with all that is wrong, by line
 */
export function readPskFile(path: string): Map<string, Buffer> {
  const option = 'psk_file';
  const text = reading(option, path, () => readFileSync(path, 'utf8'));
  const keys = new Map<string, Buffer>();
  const lineOf = new Map<string, number>();
  const problems: string[] = [];
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const colon = line.indexOf(':');
    const identity = line.slice(0, Math.max(0, colon)).trim();
    const digits = line.slice(colon + 1).trim();
    const earlier = lineOf.get(identity);
    const problem =
      colon < 0
        ? 'a line has to be an identity, a colon and a key, as in device-1:0f3c5a69'
        : (identityProblem(identity, earlier) ?? keyProblem(digits));
    if (problem !== null) {
      problems.push(`:${index + 1}: ${problem}.`);
      continue;
    }
    lineOf.set(identity, index + 1);
    // As Mosquitto and its clients read an odd number of digits.
    keys.set(identity, Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex'));
  }
  if (problems.length > MAX_PROBLEMS)
    problems.splice(MAX_PROBLEMS, Infinity, `: ${problems.length - MAX_PROBLEMS} more lines are wrong.`);
  if (problems.length > 0) throw new TlsFileError(option, path, problems);
  return keys;
}

function identityProblem(identity: string, earlier: number | undefined): string | null {
  if (identity === '') return 'there is no identity before the colon';
  if (Buffer.byteLength(identity) > MAX_IDENTITY_BYTES) return `an identity has at most ${MAX_IDENTITY_BYTES} bytes`;
  return earlier === undefined ? null : `the identity '${identity}' has a key already, in line ${earlier}`;
}

/** The key itself is never shown. */
function keyProblem(digits: string): string | null {
  if (digits === '') return 'there is no key behind the colon';
  if (!/^[0-9a-f]+$/i.test(digits)) return 'the key has to be hexadecimal: digits and the letters a to f';
  return digits.length > 2 * MAX_KEY_BYTES ? `a key has at most ${MAX_KEY_BYTES} bytes` : null;
}
