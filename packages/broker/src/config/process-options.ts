import { broker, type Option } from './option.js';
import { flag, integer, text } from './option-types.js';

/** The process, and the broker as a whole. */
export const processOptions: readonly Option[] = [
  broker('pid_file', text, {
    reloadable: false,
    default: 'none',
    example: '/run/cauldron/cauldron.pid',
    doc: 'File that holds the process id while the broker runs. If it cannot be written, the broker does not start.',
    set: (config, path) => {
      config.pidFile = path;
    },
  }),
  broker('user', text, {
    reloadable: false,
    default: 'cauldron, else mosquitto, else nobody',
    example: 'cauldron',
    doc: 'Whose rights a broker that root starts goes on with once its ports are open; root: it keeps all. PUID and PGID in the environment, numbers, stand above it.',
    set: (config, name) => {
      config.user = name;
    },
  }),
  broker('set_tcp_nodelay', flag, {
    default: 'true',
    doc: 'False lets the system delay small writes to gather them. The broker gathers what it can itself.',
    deviation:
      'The default is true: what belongs together is sent together by the broker itself, and to wait for more would only cost time.',
    set: (config, noDelay) => {
      config.noDelay = noDelay;
    },
  }),
  broker('sys_interval', integer(0, 65_535, 'seconds'), {
    default: '10',
    doc: 'How often what changed in the topics below $SYS/broker is published, at multiples of it on the clock. 0: there are no such topics.',
    set: (config, seconds) => {
      config.sysIntervalMs = seconds * 1000;
    },
  }),
  broker('per_listener_settings', flag, {
    default: 'false',
    doc: 'Whether the options about access belong to the listener above them, wherever this line stands; if not, to all listeners.',
    deprecated: 'Write listener_allow_anonymous and listener_auto_id_prefix below each listener.',
    set: (config, perListenerSettings) => {
      config.perListenerSettings = perListenerSettings;
    },
  }),
];
