import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** Nothing that SASLprep changes or forbids. */
const PRINTABLE_ASCII = /^[ -~]*$/;

/**
 * A name or password as SASLprep (RFC 4013) brings it into its one form: compatibility characters, spaces and accents that
 * look the same become the same; what is not seen is left out. Null: it has characters that are not allowed, such as
 * control characters, or mixes directions of writing. `isKept`: it is to be kept in a file, for which code points that
 * Unicode 3.2 did not know are not allowed; otherwise it is only compared with what is kept.
 */
export function saslPrepared(text: string, isKept: boolean): string | null {
  if (PRINTABLE_ASCII.test(text)) return text;
  // Its tables are large, and few need them.
  const { saslprep } = require('@mongodb-js/saslprep') as typeof import('@mongodb-js/saslprep');
  try {
    return saslprep(text, { allowUnassigned: !isKept });
  } catch {
    return null;
  }
}
