import type { Principal } from '../core/ports/access.js';
import type { ControlCommand, ControlEndpoint, ControlOutcome } from '../core/ports/control.js';
import { type Log, LogType } from '../core/ports/log.js';

/** Where its questions go. */
export const BROKER_CONTROL_TOPIC = '$CONTROL/broker/v1';

/** One of `listListeners`, as Mosquitto describes it. */
export interface ControlListener {
  /** 0: it has a socket instead. */
  readonly port: number;
  readonly 'bind-address'?: string;
  readonly 'socket-path'?: string;
  /** Absent: it speaks something else. */
  readonly protocol?: 'mqtt' | 'mqtt+websockets';
  readonly tls: boolean;
}

/** One of `listPlugins`. */
export interface ControlPlugin {
  readonly name: string;
  readonly version?: string;
  /** The control topics that it answers. */
  readonly 'control-endpoints': readonly string[];
}

export interface BrokerControlOptions {
  /** What there is at the moment. */
  readonly listeners: () => readonly ControlListener[];
  readonly plugins: () => readonly ControlPlugin[];
  readonly log: Log;
}

/** Answers questions about the broker itself, with `enable_control_api`. */
export class BrokerControl implements ControlEndpoint {
  readonly #options: BrokerControlOptions;

  constructor(options: BrokerControlOptions) {
    this.#options = options;
  }

  run({ name }: ControlCommand, client: Principal): ControlOutcome {
    switch (name.toLowerCase()) {
      case 'listplugins':
        this.#say('listPlugins', client);
        return { command: 'listPlugins', data: { plugins: this.#options.plugins() } };
      case 'listlisteners':
        this.#say('listListeners', client);
        return { command: 'listListeners', data: { listeners: this.#options.listeners() } };
      default:
        return { error: 'Unknown command' };
    }
  }

  #say(command: string, { clientId, username }: Principal): void {
    const { log } = this.#options;
    if ((log.types & LogType.INFORMATION) === 0) return;
    log.write(LogType.INFORMATION, `Broker: ${clientId}/${username ?? '(null)'} | ${command}`, {
      client: clientId,
      username,
    });
  }
}
