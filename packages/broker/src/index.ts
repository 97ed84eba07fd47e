export { BrokerLog, DEFAULT_LOG, type LogConfig, type LogDestination } from './admin/log.js';
export { type BrokerConfig, ConfigError, type ListenerConfig, type PersistenceConfig } from './config/config.js';
export { readConfigFile } from './config/config-files.js';
export { configurationText } from './config/configuration-document.js';
export { type EffectiveBlock, type EffectiveOption, effectiveBlocks } from './config/effective-options.js';
export type { Option } from './config/option.js';
export { changeWords, exampleLines, mosquittoWords, placeOf, statusWords, valueWords } from './config/option-words.js';
export { findOption, OPTION_NAMES, OPTIONS } from './config/options.js';
export { type Origin, shownOrigin } from './config/parse.js';
export {
  type ConfigReading,
  defaultConfig,
  loadConfig,
  readConfig,
  readConfigFrom,
} from './config/read-config.js';
export { Broker, type BrokerOptions, type Loaded, type PublishOptions } from './core/broker.js';
export type { Counters } from './core/counters.js';
export type { HookHandlers, PublishAnswer } from './core/hooks.js';
export type { MessageHandler } from './core/local-subscription.js';
export { Message } from './core/message.js';
export type {
  Admission,
  AuthenticationExchange,
  AuthenticationStep,
  Authenticator,
  Authorizer,
  Credentials,
  Decision,
  EnhancedAuthenticator,
  Principal,
} from './core/ports/access.js';
export type { Clock } from './core/ports/clock.js';
export type { ControlCommand, ControlEndpoint, ControlOutcome } from './core/ports/control.js';
export type { Caller, Denial, Doorkeeper } from './core/ports/doorkeeper.js';
export type { Link, LinkHandler, TlsIdentity, TlsSession } from './core/ports/link.js';
export { type Log, LogType } from './core/ports/log.js';
export type { Memory } from './core/ports/memory.js';
export type { Peers } from './core/ports/peers.js';
export type { Random } from './core/ports/random.js';
export * from './core/ports/store.js';
export { DEFAULT_LISTENER, DEFAULT_SETTINGS, type ListenerPolicy, type Settings } from './core/settings.js';
export { shardOf } from './core/shard.js';
export { type ConfigCheck, checkConfig } from './server/check-config.js';
export { type AccessQuestion, authorizerOf, explainAccess } from './server/explain-access.js';
export type { Endpoint } from './server/listen-addresses.js';
export type { AccessPorts } from './server/open-broker.js';
export { type Server, startServer } from './server/server.js';
export { StartError } from './server/start-error.js';
export type { SyncMode } from './storage/lmdb/group-commit.js';
export { LmdbStore, type LmdbStoreSettings, type StoreStats } from './storage/lmdb-store.js';
export {
  compactLmdbStore,
  type Examined,
  isProblem,
  type Problem,
  type StoreView,
  viewLmdbStore,
} from './storage/lmdb-tools.js';
export { MemoryStore } from './storage/memory-store.js';
export {
  type MosquittoChunk,
  type MosquittoDb,
  MosquittoDbError,
  readMosquittoDb,
} from './storage/mosquitto-db.js';
export { entriesFrom } from './storage/mosquitto-db-entries.js';
export { DATA_FILE, type LmdbStoreOptions, openLmdbStore, StoreError } from './storage/open-lmdb-store.js';
export { systemClock, systemMemory, systemRandom } from './system.js';
export { Listener, type ListenerOptions } from './transports/listener.js';
export { MemoryClient, type MemoryLinkOptions, memoryLinkPair } from './transports/memory.js';
export { VERSION } from './version.js';
