import { createPrivateKey, X509Certificate } from 'node:crypto';
import { basename } from 'node:path';
import type { FlagTable } from '../command-line/arguments.js';
import type { Issued } from './authority.js';
import type { CertificateFolder } from './certificate-folder.js';
import { OWNER_ONLY, replaceFile } from './kept-files.js';
import type { OwnTracksCertificate } from './owntracks.js';
import { pkcs12 } from './pkcs12.js';
import { newPassword } from './users.js';

/** Apple's devices take no server's certificate that is made for more than 825 days. */
export const LEAF_DAYS = 730;

export const CERTIFICATE_FLAGS = {
  days: {
    long: '--days',
    kind: 'integer',
    value: 'N',
    lowest: 1,
    highest: 825,
    doc: `How long new certificates are good for. Default ${LEAF_DAYS}.`,
  },
} as const satisfies FlagTable;

/**
 * Puts a client's certificate and key into `clients/NAME.p12`, and for iOS into a file that OwnTracks opens, locked with a
 * new password.
 */
export function writePkcs12(
  certificates: CertificateFolder,
  name: string,
  { certificate, privateKey }: Issued,
): OwnTracksCertificate & { readonly file: string } {
  const passphrase = newPassword();
  const bytes = pkcs12({
    name,
    certificates: [new X509Certificate(certificate).raw, certificates.ca.raw],
    privateKey: createPrivateKey(privateKey).export({ type: 'pkcs8', format: 'der' }),
    password: passphrase,
  });
  const file = certificates.clientFile(name, 'p12');
  const ownTracksFile = certificates.clientFile(name, 'otrp');
  for (const path of [file, ownTracksFile]) replaceFile(path, bytes, OWNER_ONLY, null);
  return { file, fileName: basename(ownTracksFile), bytes, passphrase };
}
