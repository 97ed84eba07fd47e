import type { FlagTable } from '../command-line/arguments.js';
import { runTool, type Tool } from '../command-line/tool.js';
import { countText } from '../command-line/units.js';
import { daysLeftOf, hostsOf } from './authority.js';
import { reloadBroker } from './broker.js';
import type { CertificateFolder } from './certificate-folder.js';
import { CERTIFICATE_FLAGS, LEAF_DAYS, writePkcs12 } from './certificates.js';
import { FOLDER_FLAGS, reportingFailures, SetupFolder } from './folder.js';
import { canonicalAddress, namesOf, thisMachine } from './machine-names.js';
import { SetupError } from './setup-error.js';

/** A renewal that looks every week has four chances. */
const DAYS_BEFORE = 30;

const FLAGS = {
  before: {
    long: '--before',
    kind: 'integer',
    value: 'DAYS',
    lowest: 0,
    highest: LEAF_DAYS,
    doc: `Renew what is good for fewer days than that. Default ${DAYS_BEFORE}.`,
  },
  force: { long: '--force', kind: 'switch', doc: 'Renew it however long it is still good.' },
  ...CERTIFICATE_FLAGS,
  ...FOLDER_FLAGS,
} as const satisfies FlagTable;

export const RENEW: Tool<typeof FLAGS> = {
  name: 'setup renew',
  summary: `Renews the certificate of the broker if it ends soon, or if this machine has names or addresses that are not in
it. A broker that runs takes the new one at once, and nobody is disconnected. With NAMEs, renews the certificates of these
clients. To be run every week or so, by cron or the timer of \`cauldron setup --systemd\`.`,
  usage: '[NAME ...] [OPTIONS]',
  examples: ['', '--dir /etc/cauldron', 'fred --force'],
  flags: FLAGS,
};

/** `cauldron setup renew`. */
export function runSetupRenew(argv: readonly string[]): Promise<number> {
  return runTool(RENEW, argv, ({ before = DAYS_BEFORE, force = false, days = LEAF_DAYS, dir }, names) =>
    reportingFailures(async () => {
      const { certificates, configFile } = new SetupFolder(dir);
      const isDue = (daysLeft: number): boolean => force || daysLeft < before;
      if (names.length > 0) {
        for (const name of names) await renewClient(certificates, name, days, isDue);
        return 0;
      }
      if (await renewServer(certificates, days, isDue)) {
        const isTold = await reloadBroker(configFile);
        process.stdout.write(isTold ? 'The broker uses it.\n' : 'No broker runs; the next start will use it.\n');
      }
      for (const warning of warningsOf(certificates, before)) process.stdout.write(`${warning}\n`);
      return 0;
    }),
  );
}

async function renewServer(
  certificates: CertificateFolder,
  days: number,
  isDue: (daysLeft: number) => boolean,
): Promise<boolean> {
  const { server, serverKeyKind, givenNames, certFile } = certificates;
  if (server === null) throw new SetupError(`${certFile} is not there. \`cauldron setup\` makes it.`);
  const hosts = [...new Set([...givenNames, ...namesOf(thisMachine)])];
  const present = new Set(hostsOf(server).map(canonicalAddress));
  const missing = hosts.filter((host) => !present.has(canonicalAddress(host)));
  const daysLeft = daysLeftOf(server);
  if (!isDue(daysLeft) && missing.length === 0) {
    process.stdout.write(`${certFile} is good for ${countText(daysLeft, 'more day')}; nothing to renew.\n`);
    return false;
  }
  await certificates.issueServer({ name: hosts[0], hosts, key: serverKeyKind ?? 'ecdsa', days }, null);
  const why = missing.length === 0 ? '' : ` It is for ${missing.join(', ')} now, too.`;
  process.stdout.write(`Renewed ${certFile}: ${countText(days, 'day')}.${why}\n`);
  return true;
}

async function renewClient(
  certificates: CertificateFolder,
  name: string,
  days: number,
  isDue: (daysLeft: number) => boolean,
): Promise<void> {
  const present = certificates.book.find((entry) => entry.use === 'client' && entry.name === name && entry.isCurrent);
  if (present === undefined) {
    throw new SetupError(`${name} has no certificate here. \`cauldron setup client ${name} --certificate\` makes one.`);
  }
  const daysLeft = daysLeftOf(present.certificate);
  if (!isDue(daysLeft)) {
    process.stdout.write(
      `The certificate of ${name} is good for ${countText(daysLeft, 'more day')}; nothing to renew.\n`,
    );
    return;
  }
  const key = present.certificate.publicKey.asymmetricKeyType === 'rsa' ? 'rsa' : 'ecdsa';
  const { file, passphrase } = writePkcs12(certificates, name, await certificates.issueClient({ name, key, days }));
  process.stdout.write(`Renewed the certificate of ${name}. Give the client ${file}; its password is ${passphrase}\n`);
}

function warningsOf({ ca, book, path }: CertificateFolder, before: number): string[] {
  const warnings = book
    .filter(({ use, isCurrent, certificate }) => use === 'client' && isCurrent && daysLeftOf(certificate) < before)
    .map(({ name, certificate }) => {
      const daysLeft = daysLeftOf(certificate);
      const state = daysLeft < 0 ? 'has expired' : `ends in ${countText(daysLeft, 'day')}`;
      return `The certificate of the client ${name} ${state}: cauldron setup renew ${name}`;
    });
  const daysLeft = daysLeftOf(ca);
  // What it issues ends with it.
  if (daysLeft < LEAF_DAYS) {
    warnings.push(
      `The CA ends in ${countText(daysLeft, 'day')}, and nothing that it has issued is good beyond that. For a new one, move the folder ${path} away and run \`cauldron setup\`; every client then needs the new ca.crt.`,
    );
  }
  return warnings;
}
