import { isTimestampFormat, LOG_TYPE_NAMES, logTypeOf } from '../admin/log.js';
import { broker, type Option } from './option.js';
import { flag, type OptionType, text } from './option-types.js';

const logTypes: OptionType<number> = {
  kind: 'choice',
  unit: '',
  range: LOG_TYPE_NAMES.join(', '),
  expects: LOG_TYPE_NAMES.join(' or '),
  read: logTypeOf,
};

const timestampFormat: OptionType<string> = {
  kind: 'format',
  unit: '',
  range: 'of strftime',
  expects: 'a strftime format of %Y %m %d %H %M %S and other common letters',
  read: (value) => (isTimestampFormat(value) ? value : undefined),
};

/** What is logged, how, and where. */
export const logOptions: readonly Option[] = [
  broker('log_dest', text, {
    isRepeatable: true,
    default: 'stderr',
    doc: 'stdout, stderr, none, or file and a path. May be repeated.',
    set: (config, value) => {
      const destinations = config.logDestinations ?? [];
      const [kind] = value.split(' ', 1);
      const path = value.slice(kind.length).trim();
      switch (kind) {
        case 'none':
          config.logDestinations = [];
          return undefined;
        case 'stdout':
        case 'stderr':
          config.logDestinations = [...destinations, { kind }];
          return undefined;
        case 'file':
          if (path === '') return "must be followed by a path: 'log_dest file /var/log/cauldron.log'";
          if (destinations.some((other) => other.kind === 'file')) return 'can name one file only';
          config.logDestinations = [...destinations, { kind, path }];
          return undefined;
        case 'syslog':
        case 'topic':
          return `does not support '${kind}' yet; use stdout, stderr or file`;
        default:
          return `must be stdout, stderr, none, or file and a path, not '${value}'`;
      }
    },
  }),
  broker('log_type', logTypes, {
    isRepeatable: true,
    default: 'error, warning, notice and information',
    doc: `Which lines are written: ${LOG_TYPE_NAMES.join(', ')}. May be repeated.`,
    set: (config, bits) => {
      config.logTypes = bits === 0 ? 0 : (config.logTypes ?? 0) | bits;
    },
  }),
  broker('log_timestamp', flag, {
    default: 'true',
    doc: 'Whether each line begins with the time.',
    set: (config, stamped) => {
      config.logTimestamp = stamped;
    },
  }),
  broker('log_timestamp_format', timestampFormat, {
    default: 'seconds since 1970',
    doc: 'Format of that time, as strftime writes it: %Y-%m-%dT%H:%M:%S.',
    set: (config, format) => {
      config.logTimestampFormat = format;
    },
  }),
  broker('connection_messages', flag, {
    default: 'true',
    doc: 'Whether connecting and leaving clients are logged.',
    set: ({ settings }, logged) => {
      settings.connectionMessages = logged;
    },
  }),
];
