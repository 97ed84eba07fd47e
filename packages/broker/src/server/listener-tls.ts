import { getCiphers } from 'node:tls';
import type { ListenerConfig, TlsConfig } from '../config/config.js';
import { shownOrigin } from '../config/parse.js';
import { TlsFileError } from '../config/tls-file-error.js';
import { readTlsFiles, type TlsFileWarning, type TlsMaterial } from '../config/tls-files.js';
import { ClientCertificates } from '../transports/tls-client-certificates.js';
import { dhParametersProblem } from '../transports/tls-context.js';
import { RevocationList } from '../transports/tls-crl.js';
import { DerError } from '../transports/tls-der.js';
import type { TlsKeyLog } from '../transports/tls-key-log.js';
import { hostNamesOf } from '../transports/tls-server-names.js';
import { ListenerTls } from '../transports/tls-socket.js';

/** Why a listener cannot speak TLS as its options say: a line for each problem, with its place in the configuration. */
export class TlsConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[], options: ErrorOptions) {
    super(problems.join('\n'), options);
    this.name = 'TlsConfigError';
    this.problems = problems;
  }
}

/**
 * What a listener needs to speak TLS as its options say. All files are read and checked now. `warn` is told what clients
 * will object to, and which secrets are open to others.
 * @throws TlsConfigError that names option and file, and says what to do
 */
export function listenerTls(
  config: TlsConfig,
  warn: (message: string) => void,
  keyLog: TlsKeyLog | null = null,
): ListenerTls {
  const at = (option: string, path: string, text: string): string => `${placeOf(config, option, path)}${text}`;
  try {
    const material = readTlsFiles(config);
    const lists = listsOf(config, material);
    const tls = build(config, material, lists, keyLog);
    for (const { option, path, text } of [...material.warnings, ...listWarnings(config, lists)]) {
      warn(at(option, path, text));
    }
    return tls;
  } catch (error) {
    if (!(error instanceof TlsFileError)) throw error;
    const { option, path, problems } = error;
    throw new TlsConfigError(
      problems.map((problem) => at(option, path, problem)),
      { cause: error },
    );
  }
}

/** What is wrong with the TLS of listeners, and what somebody should know: without opening a port. */
export interface TlsCheck {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** Reads and checks all that the listeners of a configuration need for TLS. */
export function checkTls(listeners: readonly ListenerConfig[]): TlsCheck {
  const problems: string[] = [];
  const warnings: string[] = [];
  for (const { tls } of listeners) {
    if (tls === null) continue;
    try {
      listenerTls(tls, (message) => warnings.push(message));
    } catch (error) {
      if (!(error instanceof TlsConfigError)) throw error;
      problems.push(...error.problems);
    }
  }
  return { problems, warnings };
}

/** `file:line: `, if it is known. */
function placeOf({ origins }: TlsConfig, option: string, path: string): string {
  const origin = origins.get(`${option} ${path}`) ?? origins.get(option);
  return origin === undefined ? '' : `${shownOrigin(origin)}: `;
}

function build(
  config: TlsConfig,
  material: TlsMaterial,
  lists: readonly RevocationList[] | null,
  keyLog: TlsKeyLog | null,
): ListenerTls {
  const { requireCertificate, ignoresClientDates, minVersion, ciphers, ciphersOfTls13, dhParamFile, pskHint } = config;
  const { pairs, authorities, dhParameters, pskKeys } = material;
  if (dhParamFile !== null && dhParameters !== null) {
    const problem = dhParametersProblem(dhParameters);
    if (problem !== null) throw new TlsFileError('dhparamfile', dhParamFile, ` cannot be used: ${problem}.`);
  }
  checkCiphersOfTls13(ciphersOfTls13);
  try {
    return new ListenerTls({
      certificates: pairs.map(({ chain, privateKey, certificate, keyType }) => {
        return { chain, privateKey, keyType, names: hostNamesOf(certificate) };
      }),
      clients: requireCertificate
        ? new ClientCertificates({ authorities, lists, ignoresDates: ignoresClientDates })
        : null,
      psk: pskHint === null || pskKeys === null ? null : { hint: pskHint, byIdentity: pskKeys },
      keyLog,
      minVersion: minVersion ?? 'TLSv1.2',
      ciphers,
      ciphersOfTls13,
      dhParameters,
    });
  } catch (error) {
    throw contextProblem(config, error as NodeJS.ErrnoException);
  }
}

/** Node would take a name of anything else for a cipher of TLS 1.2, and do without TLS 1.3. */
function checkCiphersOfTls13(list: string | null): void {
  const known = getCiphers().flatMap((name) => (name.startsWith('tls_') ? [name.toUpperCase()] : []));
  const unknown = list?.split(':').find((name) => !known.includes(name));
  if (list === null || unknown === undefined) return;
  const text = ` has a name that is none of TLS 1.3: ${unknown}. Those are ${known.join(', ')}.`;
  throw new TlsFileError('ciphers_tls1.3', list, text);
}

function listsOf({ crlFile }: TlsConfig, { lists }: TlsMaterial): RevocationList[] | null {
  if (crlFile === null || lists === null) return null;
  return lists.map((der, index) => {
    try {
      return new RevocationList(der);
    } catch (error) {
      if (!(error instanceof DerError)) throw error;
      const which = `the list${lists.length > 1 ? ` number ${index + 1}` : ''}`;
      throw new TlsFileError('crlfile', crlFile, `: ${which} cannot be used: ${error.message}.`, { cause: error });
    }
  });
}

function listWarnings({ crlFile }: TlsConfig, lists: readonly RevocationList[] | null): TlsFileWarning[] {
  if (crlFile === null || lists === null) return [];
  return lists.flatMap(({ nextUpdateMs }, index) => {
    if (nextUpdateMs > Date.now()) return [];
    const which = `the list${lists.length > 1 ? ` number ${index + 1}` : ''}`;
    const text = `crlfile ${crlFile}: ${which} should have been renewed on ${new Date(nextUpdateMs).toUTCString()}; without a newer one, clients of its CA are refused.`;
    return [{ option: 'crlfile', path: crlFile, text }];
  });
}

function contextProblem(config: TlsConfig, error: NodeJS.ErrnoException): TlsFileError {
  const { certificates, ciphers, pskHint } = config;
  if (error.code === 'ERR_SSL_NO_CIPHER_MATCH' && ciphers !== null) {
    const text = " has no name that OpenSSL knows. 'openssl ciphers -v' shows those that there are.";
    return new TlsFileError('ciphers', ciphers, text, { cause: error });
  }
  const [first] = certificates;
  const text = ` cannot be used: ${error.message}.`;
  if (first === undefined) return new TlsFileError('psk_hint', pskHint ?? '', text, { cause: error });
  return new TlsFileError('certfile', certificates.map(({ certFile }) => certFile).join(', '), text, { cause: error });
}
