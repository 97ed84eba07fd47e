import { broker, type Option, type Status } from './option.js';
import { flag, integer, oneOf, sizeLimit, text } from './option-types.js';

const STORED_AT_ONCE: Status = {
  kind: 'ignored',
  why: 'everything is stored before it is acknowledged, and nothing has to be saved now and then',
};

/** What survives the process. */
export const persistenceOptions: readonly Option[] = [
  broker('persistence', flag, {
    aliases: ['retained_persistence'],
    reloadable: false,
    default: 'false',
    doc: 'Whether sessions, subscriptions, queued and retained messages are kept on disk.',
    set: (config, isPersistent) => {
      config.isPersistent = isPersistent;
    },
  }),
  broker('persistence_location', text, {
    reloadable: false,
    default: 'the current folder',
    example: '/var/lib/cauldron',
    doc: 'Folder for the data, made if it is not there. One folder belongs to one broker.',
    set: ({ persistence }, folder) => {
      persistence.folder = folder;
    },
  }),
  broker('persistence_file', text, {
    reloadable: false,
    default: 'mosquitto.db',
    example: 'mosquitto.db',
    doc: "Name of Mosquitto's file in that folder, which can be imported. The broker's own is always called data.",
    deviation: 'The data are in another form, in a file called data; what Mosquitto left can be imported.',
    set({ persistence }, name) {
      if (name.includes('/')) return 'must be a name without a folder; persistence_location is for that';
      persistence.mosquittoFile = name;
      return undefined;
    },
  }),
  broker('persistence_sync', oneOf('always', 'interval', 'never'), {
    isOwn: true,
    reloadable: false,
    default: 'always',
    doc: 'always: what is acknowledged is on the disk. interval: a crash costs what came since the last sync. never: a power cut may cost everything.',
    set: ({ persistence }, sync) => {
      persistence.sync = sync;
    },
  }),
  broker('persistence_sync_interval', integer(1, 3600, 'seconds'), {
    isOwn: true,
    reloadable: false,
    default: '1',
    doc: 'How often is written and synced with `persistence_sync interval`.',
    set: ({ persistence }, seconds) => {
      persistence.syncIntervalMs = seconds * 1000;
    },
  }),
  broker('persistence_max_bytes', sizeLimit, {
    isOwn: true,
    reloadable: false,
    default: '0',
    doc: 'How much the data may take, such as 500M or 2G; 0: as much as the disk has. When it is full, nothing new is acknowledged.',
    set: ({ persistence }, bytes) => {
      persistence.maxBytes = bytes;
    },
  }),
  broker('autosave_interval', integer(0, 2_147_483_647, 'seconds'), {
    default: '1800',
    status: STORED_AT_ONCE,
    doc: 'How often Mosquitto saves what it has in memory.',
    deviation: 'Nothing is saved now and then: what is acknowledged is on the disk.',
    set: () => {},
  }),
  broker('autosave_on_changes', flag, {
    default: 'false',
    status: STORED_AT_ONCE,
    doc: 'Whether autosave_interval counts changes instead of seconds.',
    set: () => {},
  }),
];
