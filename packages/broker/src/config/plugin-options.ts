import { line, type Option, plugin } from './option.js';
import { flag, type OptionType, path, text } from './option-types.js';
import { fateOfPlugin, newPluginDraft } from './plugin-config.js';

/** Without spaces, so that a comment may stand behind it. */
const PLUGIN: OptionType<string> = {
  ...path('/usr/lib/mosquitto_persist_sqlite.so'),
  read: (value) => (value === '' ? undefined : value.split(/\s/, 1)[0]),
};

/** Plugins of Mosquitto: what they do is built in, or refused by name. */
export const pluginOptions: readonly Option[] = [
  line('plugin', PLUGIN, {
    aliases: ['auth_plugin'],
    begins: 'plugin',
    isRepeatable: true,
    default: 'none',
    doc: 'A plugin of Mosquitto, known by the name of its file: mosquitto_dynamic_security, mosquitto_acl_file and mosquitto_password_file are built in, mosquitto_persist_sqlite means persistence true (which counts from the next start), mosquitto_sparkplug_aware is done without; all others are refused.',
    deviation: 'Compiled plugins cannot be loaded; those that come with Mosquitto are built in.',
    set({ blocks, origin }, file) {
      blocks.beginPlugin(newPluginDraft(file, null, origin), false);
      return refusalOf(file);
    },
  }),
  line('global_plugin', PLUGIN, {
    begins: 'plugin',
    isRepeatable: true,
    default: 'none',
    doc: 'The same for all listeners, whatever per_listener_settings says.',
    set({ blocks, origin }, file) {
      blocks.beginPlugin(newPluginDraft(file, null, origin), true);
      return refusalOf(file);
    },
  }),
  line('plugin_load', text, {
    begins: 'plugin',
    isRepeatable: true,
    default: 'none',
    example: 'sparkplug /usr/lib/mosquitto_sparkplug_aware.so',
    doc: 'A name and a plugin, which listeners use by plugin_use and the name.',
    set({ blocks, origin }, value) {
      const [name] = value.split(/\s/, 1);
      const file = value.slice(name.length).trim();
      if (file === '') return "is followed by a name and a path: 'plugin_load rules /path/to/plugin.so'";
      return blocks.loadPlugin(newPluginDraft(file, name, origin)) ?? refusalOf(file);
    },
  }),
  line('plugin_use', text, {
    isRepeatable: true,
    default: 'none',
    example: 'sparkplug',
    doc: 'Makes the listener above use a plugin that plugin_load gave this name.',
    set: ({ blocks }, name) => blocks.usePlugin(name),
  }),
  plugin('plugin_opt_*', text, {
    aliases: ['auth_opt_*'],
    isRepeatable: true,
    default: 'none',
    example: '/var/lib/mosquitto/mosquitto.sqlite3',
    doc: 'Options of the plugin above: the end of the name is what the plugin calls it. plugin_opt_db_file tells the folder of the data if persistence_location does not.',
    set({ plugin: draft, written }, value) {
      const key = written.replace(/^(plugin|auth)_opt_/, '');
      if (key === '') return 'needs a name behind plugin_opt_';
      draft.options.set(key, value);
      return undefined;
    },
  }),
  plugin('auth_plugin_deny_special_chars', flag, {
    default: 'true',
    doc: 'Whether dynamic security gives no access to clients with + or # in their id or user name.',
    set: ({ plugin: draft }, denies) => {
      draft.deniesSpecialChars = denies;
    },
  }),
];

/** What the line of a plugin is refused with, behind the option's name. */
function refusalOf(file: string): string | undefined {
  const fate = fateOfPlugin(file);
  return fate.kind === 'refused' ? `${file} ${fate.why}` : undefined;
}
