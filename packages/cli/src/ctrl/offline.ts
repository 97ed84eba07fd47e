import { existsSync } from 'node:fs';
import { AccessFileError, dynsecFileText, initialState, readDynsecFile, replaceFile } from '@cauldron/broker/dynsec';
import { hashPassword } from '@cauldron/broker/passwords';

/** What is wrong with the file; the message is ready to be shown. */
export class OfflineFailure extends Error {
  override readonly name = 'OfflineFailure';
}

const HASH = { kind: 'sha512-pbkdf2' } as const;

/** Makes a file with one client, who administers. @throws (rejects) OfflineFailure */
export async function makeDynsecFile(path: string, username: string, password: string): Promise<void> {
  if (existsSync(path)) {
    throw new OfflineFailure(`dynsec init: '${path}' already exists. Remove the file or use a different location.`);
  }
  const state = initialState(username, await hashPassword(Buffer.from(password), HASH));
  await write(path, dynsecFileText(state));
}

/** Sets a password in a file that no broker uses at the moment. @throws (rejects) OfflineFailure */
export async function setPasswordInFile(path: string, username: string, password: string): Promise<void> {
  let file: ReturnType<typeof readDynsecFile>;
  try {
    file = readDynsecFile(path);
  } catch (error) {
    if (!(error instanceof AccessFileError)) throw error;
    throw new OfflineFailure(error.message);
  }
  const client = file.state.clients.get(username);
  if (client === undefined) throw new OfflineFailure(`${path}: there is no client '${username}'.`);
  client.password = await hashPassword(Buffer.from(password), HASH);
  client.unusablePassword = null;
  await write(path, dynsecFileText(file.state));
}

async function write(path: string, text: string): Promise<void> {
  try {
    await replaceFile(path, text);
  } catch (error) {
    throw new OfflineFailure(`${path} cannot be written: ${(error as Error).message}.`);
  }
}
