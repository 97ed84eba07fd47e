import { newListenerDraft } from './draft.js';
import { line, type Option } from './option.js';
import { type OptionType, path } from './option-types.js';

interface ListenerLine {
  readonly port: number;
  /** An address, or the path of a Unix socket, which may have spaces. */
  readonly place: string | null;
}

const listenerLine: OptionType<ListenerLine> = {
  kind: 'listener',
  unit: '',
  range: 'a port and an address, or 0 and a path',
  expects:
    "a port from 0 to 65535 and, if wanted, an address, or 0 and the path of a Unix socket: 'listener 1883 127.0.0.1'",
  example: '1883 127.0.0.1',
  read(value) {
    const [, port, rest] = /^(\d+)(?:\s+(.*))?$/.exec(value) ?? [];
    if (port === undefined || Number(port) > 65_535) return undefined;
    if (rest === undefined || rest.startsWith('#')) return { port: Number(port), place: null };
    if (rest.startsWith('/')) return { port: Number(port), place: rest };
    const [address, ...more] = rest.split(/\s+/);
    return more.length === 0 || more[0].startsWith('#') ? { port: Number(port), place: address } : undefined;
  },
};

/** What begins a listener, and what brings in other files; bridges and plugins begin in files of their own. */
export const blockOptions: readonly Option[] = [
  line('listener', listenerLine, {
    begins: 'listener',
    isRepeatable: true,
    default: 'port 1883 for this machine only',
    doc: 'Opens a port, on all addresses or on one, or with 0 and a path a Unix socket. The options of listeners that follow belong to it.',
    deviation: 'Port 0 without a path is any free port, which the log tells; each listener takes MQTT and WebSocket.',
    set({ blocks, origin }, { port, place }) {
      const isPath = place?.startsWith('/') ?? false;
      if (isPath && port !== 0) return `with a Unix socket has no port: 'listener 0 ${place}'`;
      blocks.beginListener(
        newListenerDraft({ origin, port, address: isPath ? null : place, path: isPath ? place : null }),
      );
      return undefined;
    },
  }),
  line('include_dir', path('/etc/cauldron/conf.d'), {
    isRepeatable: true,
    default: 'none',
    doc: 'Reads the files of this folder that end in .conf, in the order of their letters, capitals first. Each begins without a block. Only in the main file.',
    deviation: 'A relative path begins at the file that the line stands in, not where the broker was started.',
    set: ({ blocks }, folder) => {
      blocks.include(folder);
    },
  }),
];
