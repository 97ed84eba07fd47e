import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { BrokerLog } from '../admin/log.js';
import type { BrokerConfig } from '../config/config.js';
import { Broker, type BrokerOptions } from '../core/broker.js';
import { type Log, LogType } from '../core/ports/log.js';
import type { Store } from '../core/ports/store.js';
import { DamagedStoreError } from '../storage/lmdb-store.js';
import { MemoryStore } from '../storage/memory-store.js';
import { DATA_FILE, openLmdbStore, StoreError } from '../storage/open-lmdb-store.js';
import { systemClock, systemMemory, systemRandom } from '../system.js';
import { LoadingReport } from './loading-report.js';
import { StartError } from './start-error.js';

/** Who decides about clients, where the configuration does not: for a program that embeds the broker. */
export type AccessPorts = Pick<BrokerOptions, 'authenticator' | 'enhancedAuthenticator' | 'authorizer' | 'doorkeeper'>;

/** The broker, with all that its store kept. @throws StartError when the store cannot be opened */
export async function openBroker(config: BrokerConfig, log: BrokerLog, access: AccessPorts): Promise<Broker> {
  const sayNow = (line: string): void => {
    log.write(LogType.INFORMATION, line);
    log.flush();
  };
  const loading = new LoadingReport(systemClock, sayNow);
  const load = (store: Store): Broker =>
    new Broker({
      settings: config.settings,
      store,
      clock: systemClock,
      random: systemRandom,
      log,
      memory: systemMemory,
      onProgress: (loaded) => loading.progress(loaded),
      ...access,
    });
  const broker = await loadOrSave(config, log, load);
  loading.done(broker.gauges);
  return broker;
}

/** Loads what the store kept. If damage shows only then, what can be read of it is saved, and loaded. @throws StartError */
async function loadOrSave(config: BrokerConfig, log: Log, load: (store: Store) => Broker): Promise<Broker> {
  const store = await openStore(config, log, false);
  try {
    return load(store);
  } catch (error) {
    await store.close();
    if (!(error instanceof DamagedStoreError)) throw error;
  }
  return load(await openStore(config, log, true));
}

/** `isSuspect`: what is there has to be read to its end before it is used. @throws StartError */
async function openStore({ persistence }: BrokerConfig, log: Log, isSuspect: boolean): Promise<Store> {
  if (persistence === null) return new MemoryStore({ keepsRetained: false });
  const { mosquittoFile, ...options } = persistence;
  const { folder } = options;
  log.write(LogType.INFORMATION, `Sessions and messages are kept in ${folder}.`);
  const warn = (message: string): void => log.write(LogType.WARNING, `Warning: ${message}`);
  const mosquittoDb = join(folder, mosquittoFile);
  if (existsSync(mosquittoDb) && !existsSync(join(folder, DATA_FILE))) {
    warn(
      `Mosquitto's data in ${mosquittoDb} are not in use. To take them over, stop the broker and run 'cauldron store import ${mosquittoDb} --dir ${folder}'.`,
    );
  }
  try {
    return await openLmdbStore({ ...options, isSuspect, onWarning: warn });
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    throw new StartError(error.message, { cause: error });
  }
}
