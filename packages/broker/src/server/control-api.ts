import {
  BROKER_CONTROL_TOPIC,
  BrokerControl,
  type ControlListener,
  type ControlPlugin,
} from '../admin/broker-control.js';
import type { BrokerConfig, ListenerConfig } from '../config/config.js';
import type { Broker } from '../core/broker.js';
import type { Log } from '../core/ports/log.js';
import { VERSION } from '../version.js';

/** `$CONTROL/broker/v1`, for as long as the configuration has `enable_control_api true`. */
export class ControlApi {
  readonly #broker: Broker;
  readonly #control: BrokerControl;
  #end: (() => void) | null = null;

  /** `config` tells what holds now. */
  constructor(broker: Broker, log: Log, config: () => BrokerConfig) {
    this.#broker = broker;
    this.#control = new BrokerControl({
      listeners: () => config().listeners.map(shownListener),
      plugins: () => pluginsOf(config(), [...broker.controlTopics]),
      log,
    });
  }

  configure({ hasControlApi }: BrokerConfig): void {
    if (hasControlApi) this.#end ??= this.#broker.control(BROKER_CONTROL_TOPIC, this.#control);
    else {
      this.#end?.();
      this.#end = null;
    }
  }
}

function shownListener({ address, isHttpApi, path, port, tls }: ListenerConfig): ControlListener {
  return {
    port,
    ...(address !== null && { 'bind-address': address }),
    ...(path !== null && { 'socket-path': path }),
    // Each takes both, by the first byte; Mosquitto knows one of the two.
    ...(!isHttpApi && { protocol: 'mqtt' as const }),
    tls: tls !== null,
  };
}

/** What a plugin of Mosquitto would be here, with the topics that are its own. */
function pluginsOf({ access }: BrokerConfig, topics: readonly string[]): ControlPlugin[] {
  const kinds = new Set([...access.values()].flat().map(({ kind }) => kind));
  return [...kinds].map((name) => ({
    name,
    version: VERSION,
    'control-endpoints': topics.filter((topic) => topic.startsWith(`$CONTROL/${name}/`)),
  }));
}
