import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { encodePasswordHash, hashPassword } from '@cauldron/broker/passwords';
import { type FlagTable, UsageError, type Values } from '../command-line/arguments.js';
import { runTool, type Tool } from '../command-line/tool.js';
import { operandsFor } from '../config/files.js';
import { PasswordFileEditor } from '../passwd/password-file-editor.js';
import type { KeyKind } from './authority.js';
import { reloadBroker } from './broker.js';
import { CERTIFICATE_FLAGS, LEAF_DAYS, writePkcs12 } from './certificates.js';
import { FOLDER_FLAGS, portsIn, reportingFailures, SetupFolder, type SetupPorts } from './folder.js';
import { makeFolder, OWNER_ONLY, replaceFile, textOf } from './kept-files.js';
import { hostFrom, namesOf, thisMachine } from './machine-names.js';
import { type OwnTracksClient, ownTracksConfiguration, ownTracksLink } from './owntracks.js';
import { qrCode } from './qr-code.js';
import { SetupError } from './setup-error.js';
import { aclWith, namesInPasswords, newPassword, USER_NAME } from './users.js';

const DEFAULT_DEVICE = 'phone';
/** Larger ones do not fit into a terminal, and cameras have their trouble with them. */
const MAX_QR_BYTES = 1_200;

const FLAGS = {
  certificate: {
    long: '--certificate',
    kind: 'switch',
    doc: 'A certificate in the place of a password, for the port of `cauldron setup --certificate-port`.',
  },
  password: {
    long: '--password',
    kind: 'text',
    value: 'PASSWORD',
    doc: 'The password to set; other users of this machine may see it. Default: a new one for a new user.',
  },
  newPassword: { long: '--new-password', kind: 'switch', doc: 'Gives a user who has a password another one.' },
  friend: { long: '--friend', kind: 'list', value: 'OTHER', doc: 'The user sees where that one is.' },
  device: {
    long: '--device',
    kind: 'text',
    value: 'DEVICE',
    doc: `Distinguishes the devices of a user. Default ${DEFAULT_DEVICE}.`,
  },
  tid: {
    long: '--tid',
    kind: 'text',
    value: 'XX',
    doc: 'Two characters for the map. Default: the last two of the name.',
  },
  host: {
    long: '--host',
    kind: 'text',
    value: 'NAME',
    doc: 'The name that the client connects to. Default: the first that was given to `cauldron setup`, else that of this machine.',
  },
  key: { long: '--key', kind: 'choice', value: 'KIND', choices: ['ecdsa', 'rsa'], doc: 'As for `cauldron setup`.' },
  noQr: { long: '--no-qr', kind: 'switch', doc: 'Shows no QR code.' },
  ...CERTIFICATE_FLAGS,
  ...FOLDER_FLAGS,
} as const satisfies FlagTable;

export const CLIENT: Tool<typeof FLAGS> = {
  name: 'setup client',
  summary: `Makes what a client needs to get in: a user with a password, or a certificate. Writes it into a file for the OwnTracks
app (clients/NAME.otrc), and shows it as a QR code, which the camera of the telephone takes to the app. The file and the code
have what lets their owner in: show them to nobody else.`,
  usage: 'NAME [OPTIONS]',
  examples: ['jjolie', 'fred --friend jjolie --device tablet', 'sensor7 --certificate --no-qr'],
  flags: FLAGS,
};

/** `cauldron setup client`. */
export function runSetupClient(argv: readonly string[]): Promise<number> {
  return runTool(CLIENT, argv, (values, operands) => {
    const [name] = operandsFor(['NAME'], operands);
    checkNames(name, values);
    return reportingFailures(async () => {
      const folder = new SetupFolder(values.dir);
      const ports = portsIn(folder.configFile);
      const client = values.certificate
        ? await withCertificate(name, values, folder, ports)
        : await withPassword(name, values, folder, ports);
      giveRights(name, values.friend ?? [], folder);
      const isTold = await reloadBroker(folder.configFile);
      say(isTold ? 'The broker knows it.' : 'No broker runs; the next start will know it.');
      showToOwnTracks(client, folder, values.noQr !== true);
      return 0;
    });
  });
}

type ClientValues = Values<typeof FLAGS>;

function checkNames(name: string, { device, friend = [], tid, host, certificate, password }: ClientValues): void {
  for (const part of [name, device ?? DEFAULT_DEVICE, ...friend]) {
    if (USER_NAME.test(part)) continue;
    throw new UsageError(`"${part}" cannot be a name: letters, digits, and . _ - between them, 64 at most`);
  }
  if (tid !== undefined && !/^[A-Za-z0-9]{1,2}$/.test(tid)) {
    throw new UsageError(`--tid is one or two letters or digits, not "${tid}"`);
  }
  if (host !== undefined && hostFrom(host) === null) throw new UsageError(`"${host}" is no name or address`);
  if (certificate && password !== undefined) throw new UsageError('A client has a certificate or a password, not both');
  if (password === '') throw new UsageError('The password is empty');
}

async function withPassword(
  name: string,
  values: ClientValues,
  folder: SetupFolder,
  ports: SetupPorts,
): Promise<OwnTracksClient> {
  const { passwordFile } = folder;
  const isKnown = namesInPasswords(textOf(passwordFile) ?? '').has(name);
  if (isKnown && values.password === undefined && values.newPassword !== true) {
    throw new SetupError(
      `${name} has a password, which nobody can read back. Give it again by --password, or a new one to all devices of ${name} by --new-password.`,
    );
  }
  if (ports.tls === null) throw new SetupError('The broker has no port with TLS where a password will do.');
  const password = values.password ?? newPassword();
  const passwords = PasswordFileEditor.open(passwordFile);
  passwords.set(name, encodePasswordHash(await hashPassword(Buffer.from(password), { kind: 'argon2id' })));
  passwords.save();
  say(`${isKnown ? `Changed the password of ${name}` : `Made the user ${name}`}: ${passwordFile}`);
  if (values.password === undefined) say(`The password, which is shown this once: ${password}`);
  return { ...whatAllHave(name, values, folder), port: ports.tls, password, certificate: null };
}

async function withCertificate(
  name: string,
  values: ClientValues,
  folder: SetupFolder,
  ports: SetupPorts,
): Promise<OwnTracksClient> {
  const { certificates } = folder;
  if (ports.certificate === null) {
    throw new SetupError(
      'The broker asks nobody for a certificate. Give it a port where it does: cauldron setup --certificate-port 8884',
    );
  }
  const days = values.days ?? LEAF_DAYS;
  const key: KeyKind = values.key === 'rsa' ? 'rsa' : 'ecdsa';
  const issued = await certificates.issueClient({ name, key, days });
  const pack = writePkcs12(certificates, name, issued);
  say(
    `Made a certificate for ${name}, good for ${days} days: ${certificates.clientFile(name, 'crt')}, and its key beside it`,
  );
  say(`Both in one file, for telephones and browsers: ${pack.file}, and the same as .otrp for iOS`);
  say(`Its password, which is shown this once: ${pack.passphrase}`);
  return { ...whatAllHave(name, values, folder), port: ports.certificate, password: null, certificate: pack };
}

function whatAllHave(
  user: string,
  { device = DEFAULT_DEVICE, tid, host }: ClientValues,
  { certificates }: SetupFolder,
): Pick<OwnTracksClient, 'user' | 'device' | 'trackerId' | 'host'> {
  const given = certificates.givenNames;
  const machine = namesOf(thisMachine).find((name) => name.endsWith('.local')) ?? hostname();
  return {
    user,
    device,
    trackerId: tid ?? user.replace(/[^A-Za-z0-9]/g, '').slice(-2),
    host: host ?? given.find((name) => isIP(name) === 0) ?? given[0] ?? machine,
  };
}

function giveRights(name: string, sees: readonly string[], { aclFile }: SetupFolder): void {
  const before = textOf(aclFile) ?? '';
  const after = aclWith(before, [{ name, password: null, sees }]);
  if (after === before) return;
  replaceFile(aclFile, after, OWNER_ONLY, null);
  say(
    `${name} may publish below owntracks/${name}${sees.map((friend) => `, and sees ${friend}`).join('')}: ${aclFile}`,
  );
}

function showToOwnTracks(client: OwnTracksClient, folder: SetupFolder, isShown: boolean): void {
  const { clientFolder, certificates } = folder;
  makeFolder(clientFolder, 0o700, null);
  const { user, device } = client;
  const file = join(clientFolder, `${device === DEFAULT_DEVICE ? user : `${user}-${device}`}.otrc`);
  const complete = ownTracksConfiguration(client, certificates.ca.raw);
  replaceFile(file, `${JSON.stringify(complete, null, 2)}\n`, OWNER_ONLY, null);
  say(`For the OwnTracks app on ${client.host}:${client.port}: ${file}`);
  say(`The telephone has to trust the CA first: send it ${certificates.caFile}, and install it there.`);
  if (!isShown) return;
  // Without what is in files of its own, which would be too much for a camera.
  const link = ownTracksLink(ownTracksConfiguration({ ...client, certificate: null }, null));
  if (link.length > MAX_QR_BYTES) {
    say('It is too much for a QR code.');
    return;
  }
  process.stdout.write(
    `\n${qrCode(link, process.stdout.isTTY === true && process.env.NO_COLOR === undefined)}\n${link}\n`,
  );
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
