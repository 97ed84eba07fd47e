import type { BridgeConfig } from './bridge-config.js';
import type { BrokerConfig, ListenerConfig } from './config.js';
import type { Statement } from './config-reader.js';
import type { BlockKind, Option } from './option.js';
import { OPTIONS } from './options.js';
import type { Origin } from './parse.js';
import { fateOfPlugin, type PluginDraft } from './plugin-config.js';
import type { ConfigReading } from './read-config.js';

/** What holds of one option, in one block. */
export interface EffectiveOption {
  readonly option: Option;
  /** The option's name, or that of one of a family. */
  readonly name: string;
  /** As they would be written; more than one only where lines add up. Of a default that cannot be written: in words. */
  readonly values: readonly string[];
  /** Where each was said; empty: nowhere, it is the default. */
  readonly origins: readonly Origin[];
  /** The values are for nobody's eyes. */
  readonly isSecret: boolean;
}

/** The broker as a whole, a listener, a bridge or a plugin. */
export interface EffectiveBlock {
  readonly kind: 'broker' | BlockKind;
  /** As the line that begins it would be written; of the broker: `broker`. */
  readonly title: string;
  readonly origin: Origin | null;
  readonly options: readonly EffectiveOption[];
}

/** The value of an option that nothing was said about, where that follows from other lines; and one that says so. */
type WorkedOut = ReadonlyMap<string, string | { readonly value: string; readonly origin: Origin }>;

/** They say where the default listener is; where another one is stands in its title. */
const PLACE_OF_DEFAULT_LISTENER: ReadonlySet<string> = new Set(['port', 'bind_address']);

/** Names of options of plugins whose values look like secrets. */
const SECRET_KEY = /pass|secret|token|psk/i;

/** What a configuration comes to: each block with each of its options. */
export function effectiveBlocks({ config, draft }: ConfigReading): EffectiveBlock[] {
  const { perListenerSettings } = draft.config;
  const ofBroker = OPTIONS.filter(({ scope }) => scope === 'broker' || (scope === 'security' && !perListenerSettings));
  const ofListener = OPTIONS.filter(({ scope }) => {
    return scope === 'listener' || (scope === 'security' && perListenerSettings);
  });
  const optionsOf = (block: Statement['block'], options: readonly Option[], workedOut: WorkedOut): EffectiveOption[] =>
    options
      .filter(({ status }) => status.kind !== 'refused')
      .map((option) => effective(option, statementsOf(draft.statements, option, block), workedOut))
      .filter(({ name, origins }) => origins.length > 0 || !PLACE_OF_DEFAULT_LISTENER.has(name));
  return [
    {
      kind: 'broker',
      title: 'broker',
      origin: null,
      options: optionsOf(null, ofBroker, brokerValues(config, draft.plugins)),
    },
    ...listenerConfigs(config).map((listener, index): EffectiveBlock => {
      const options = optionsOf(draft.listeners[index] ?? null, ofListener, listenerValues(listener));
      return { kind: 'listener', title: listenerTitle(listener, config), origin: listener.origin, options };
    }),
    ...config.bridges.map((bridge, index): EffectiveBlock => {
      const ofBridge = OPTIONS.filter(({ scope }) => scope === 'bridge');
      const options = optionsOf(draft.bridges[index], ofBridge, bridgeValues(bridge));
      return { kind: 'bridge', title: `connection ${bridge.name}`, origin: bridge.origin, options };
    }),
    ...draft.plugins.map((plugin): EffectiveBlock => {
      const said = draft.statements.filter(({ block }) => block === plugin);
      const options = said.map(({ option, line }) => familyMember(option, line.name, line.value, line.origin));
      return { kind: 'plugin', title: `plugin ${plugin.path}`, origin: plugin.origin, options };
    }),
  ];
}

/** Without listeners there is one for each address of this machine, and nothing in which they differ. */
function listenerConfigs({ listeners, localOnly }: BrokerConfig): readonly ListenerConfig[] {
  return localOnly ? listeners.slice(0, 1) : listeners;
}

function statementsOf(statements: readonly Statement[], option: Option, block: Statement['block']): Statement[] {
  const said = statements.filter((statement) => statement.option === option && statement.block === block);
  return option.isRepeatable ? said : said.slice(-1);
}

function effective(option: Option, said: readonly Statement[], workedOut: WorkedOut): EffectiveOption {
  const { name, isSecret } = option;
  if (said.length === 0) {
    const found = workedOut.get(name) ?? option.default;
    if (typeof found === 'string') return { option, name, values: [found], origins: [], isSecret };
    return { option, name, values: [found.value], origins: [found.origin], isSecret };
  }
  const values = said.map(({ line }) => written(option, line.value));
  return { option, name, values, origins: said.map(({ line }) => line.origin), isSecret };
}

/** The same for all ways of writing it. */
function written({ kind }: Option, value: string): string {
  return kind === 'flag' ? value.replace(/^1$/, 'true').replace(/^0$/, 'false') : value;
}

function familyMember(option: Option, name: string, value: string, origin: Origin): EffectiveOption {
  const values = [written(option, value)];
  return { option, name, values, origins: [origin], isSecret: SECRET_KEY.test(name) };
}

function listenerTitle({ port, address, path }: ListenerConfig, { localOnly }: BrokerConfig): string {
  if (localOnly) return `listener ${port} (this machine only)`;
  return ['listener', port, path ?? address].filter((part) => part !== null).join(' ');
}

function brokerValues({ localOnly, persistence }: BrokerConfig, plugins: readonly PluginDraft[]): WorkedOut {
  const values = new Map<string, string | { value: string; origin: Origin }>([['allow_anonymous', String(localOnly)]]);
  const plugin = plugins.find(({ path }) => fateOfPlugin(path).kind === 'persistence');
  if (persistence !== null && plugin !== undefined) {
    const { origin } = plugin;
    values
      .set('persistence', { value: 'true', origin })
      .set('persistence_location', { value: persistence.folder, origin });
  }
  return values;
}

function listenerValues({ policy }: ListenerConfig): WorkedOut {
  return new Map([
    ['allow_anonymous', String(policy.allowAnonymous)],
    ['listener_allow_anonymous', String(policy.allowAnonymous)],
    ['listener_auto_id_prefix', policy.assignedClientIdPrefix],
  ]);
}

function bridgeValues({ isLocalCleanSession, localClientId, remoteClientId, notifications }: BridgeConfig): WorkedOut {
  const values = new Map([
    ['local_cleansession', String(isLocalCleanSession)],
    ['local_clientid', localClientId],
    ['remote_clientid', remoteClientId],
  ]);
  if (notifications !== null) values.set('notification_topic', notifications.topic);
  return values;
}
