import { broker, type Option, security } from './option.js';
import { flag, path } from './option-types.js';

/** Who may do what. */
export const accessOptions: readonly Option[] = [
  security('password_file', path('/etc/cauldron/passwords'), {
    default: 'none',
    doc: 'Names and passwords of users, as `cauldron passwd` and mosquitto_passwd write them. A reload ends the connections of users who are gone or have another password.',
    set: (target, file) => {
      target.passwordFile = file;
    },
  }),
  security('acl_file', path('/etc/cauldron/acl'), {
    default: 'none',
    doc: 'Topics that users may read and write; `cauldron acl check` looks into it.',
    deviation:
      'A line that is wrong keeps the broker from starting, but a reload with it is refused and the broker goes on.',
    set: (target, file) => {
      target.aclFile = file;
    },
  }),
  broker('enable_control_api', flag, {
    default: 'false',
    doc: 'Whether $CONTROL/broker/v1 answers questions about listeners and plugins.',
    set: (config, isEnabled) => {
      config.hasControlApi = isEnabled;
    },
  }),
];
