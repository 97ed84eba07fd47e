import { resolve } from 'node:path';
import { isTimestampFormat, LOCAL0_FACILITY, LOG_TYPE_NAMES, withLogType } from '../admin/log.js';
import { broker, type Option } from './option.js';
import { flag, integer, type OptionType, oneOf, text } from './option-types.js';

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
    example: 'file /var/log/cauldron/cauldron.log',
    doc: 'stdout, stderr, syslog, topic ($SYS/broker/log/...), none, or file and a path. May be repeated, with one file.',
    set: (config, value) => {
      const destinations = config.logDestinations ?? [];
      const [kind] = value.split(/[ \t]/, 1);
      const path = value.slice(kind.length).trim();
      switch (kind) {
        case 'none':
          config.logDestinations = [];
          return undefined;
        case 'stdout':
        case 'stderr':
        case 'syslog':
        case 'topic':
          config.logDestinations = [...destinations, { kind }];
          return undefined;
        case 'file':
          if (path === '') return "must be followed by a path: 'log_dest file /var/log/cauldron.log'";
          if (destinations.some((other) => other.kind === 'file')) return 'can name one file only';
          config.logDestinations = [...destinations, { kind, path: resolve(path) }];
          return undefined;
        case 'dlt':
        case 'android':
          return `does not support '${kind}'; use syslog, or stdout and a program that passes it on`;
        default:
          return `must be stdout, stderr, syslog, topic, none, or file and a path, not '${value}'`;
      }
    },
  }),
  broker('log_facility', integer(0, 7), {
    default: 'daemon',
    example: '0',
    doc: 'What syslog calls the part of the system that speaks: 0 to 7 for local0 to local7.',
    set: (config, local) => {
      config.logFacility = LOCAL0_FACILITY + local;
    },
  }),
  broker('log_type', oneOf(...LOG_TYPE_NAMES), {
    isRepeatable: true,
    default: 'error, warning, notice and information',
    doc: 'Which lines are written. May be repeated; none takes back what stands above it. Topics never get debug.',
    set: (config, name) => {
      config.logTypes = withLogType(config.logTypes, name);
    },
  }),
  broker('log_format', oneOf('text', 'json'), {
    isOwn: true,
    default: 'text',
    doc: 'json: each line is an object with time, type and message, and with client, address, username, topic, reason where it is about them.',
    set: (config, format) => {
      config.logFormat = format;
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
    example: '%Y-%m-%dT%H:%M:%S',
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
