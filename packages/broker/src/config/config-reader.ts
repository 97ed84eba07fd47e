import { dirname, resolve } from 'node:path';
import { nearestName } from '../nearest-name.js';
import { isDynamicSecurity, lackOfPlugin } from './access-config.js';
import { type BridgeDraft, bridgeProblems, newBridgeDraft } from './bridge-draft.js';
import { ConfigError } from './config.js';
import type { ConfigFile } from './config-files.js';
import { type ConfigDraft, type ListenerDraft, newDraft, newListenerDraft } from './draft.js';
import { listenerDoubts } from './listener-options.js';
import { type BlockKind, type Blocks, type Option, type Place, saidValue } from './option.js';
import { findOption, OPTION_NAMES } from './options.js';
import { type ConfigLine, type Origin, parseConfig, shownOrigin } from './parse.js';
import { fateOfPlugin, newPluginDraft, type PluginDraft } from './plugin-config.js';
import { tlsMismatches } from './tls-options.js';
import { proxyMismatches, transportDoubts } from './transport-options.js';

const PER_LISTENER_SETTINGS = 'per_listener_settings';
/**
 * The options that open the default listener to others, wherever they stand; any other only says something about it.
 */
const OPEN_DEFAULT_LISTENER = ['port', 'bind_address'];

/** What a line of a configuration said, of an option that there is. */
export interface Statement {
  readonly option: Option;
  readonly line: ConfigLine;
  /** What it belongs to; null: the broker. */
  readonly block: ListenerDraft | BridgeDraft | PluginDraft | null;
}

/** All that the lines of a configuration said. */
export interface Draft {
  readonly config: ConfigDraft;
  /** No line opens a port: the broker is for this machine only, and `listeners` has one at most. */
  readonly isLocalOnly: boolean;
  readonly listeners: readonly ListenerDraft[];
  readonly bridges: readonly BridgeDraft[];
  readonly plugins: readonly PluginDraft[];
  readonly statements: readonly Statement[];
  /** What is asked for and not there yet, to be said at the start: `file:line: text`. */
  readonly warnings: readonly string[];
  /** What has no effect, or another name by now, for those who look after a file. */
  readonly notes: readonly string[];
}

/** Goes through the lines of all files, and gathers what is wrong with them. */
export class ConfigReader implements Blocks {
  readonly #folder: (path: string) => readonly ConfigFile[];
  readonly #config = newDraft();
  readonly #listeners: ListenerDraft[] = [];
  readonly #bridges: BridgeDraft[] = [];
  readonly #plugins: PluginDraft[] = [];
  readonly #statements: Statement[] = [];
  readonly #problems: string[] = [];
  readonly #warnings: string[] = [];
  readonly #notes: string[] = [];
  /** It exists once an option asks for it, and is among the listeners once an option of listeners does. */
  #defaultListener: ListenerDraft | null = null;
  /** The blocks that the present line may belong to; null: it stands in none of that kind. */
  #listener: ListenerDraft | null = null;
  #bridge: BridgeDraft | null = null;
  #plugin: PluginDraft | null = null;
  /** Of the present line. */
  #origin: Origin = { file: '', line: 0 };
  #isIncluded = false;

  /** `folder` reads the files of an `include_dir`, and throws a ConfigError if it cannot. */
  constructor(folder: (path: string) => readonly ConfigFile[]) {
    this.#folder = folder;
  }

  read(main: ConfigFile): void {
    const lines = parseConfig(main.text, main.file);
    this.#findPerListenerSettings(lines);
    for (const line of lines) this.#readLine(line);
  }

  /** @throws ConfigError */
  finish(): Draft {
    this.#judgeTls();
    this.#problems.push(...bridgeProblems(this.#bridges));
    this.#checkPlugins();
    if (this.#problems.length > 0) throw new ConfigError(this.#problems);
    this.#warnOfUnusedAccess();
    this.#warnOfDoubts();
    this.#tellOfBridges();
    this.#tellOfPlugins();
    this.#noteStatements();
    const isLocalOnly = this.#listeners.every((listener) => !this.#isOpen(listener));
    return {
      config: this.#config,
      isLocalOnly,
      listeners: isLocalOnly && this.#defaultListener !== null ? [this.#defaultListener] : this.#listeners,
      bridges: this.#bridges,
      plugins: this.#plugins,
      statements: this.#statements,
      warnings: this.#warnings,
      notes: this.#notes,
    };
  }

  beginListener(listener: ListenerDraft): void {
    this.#listeners.push(listener);
    this.#listener = listener;
  }

  beginBridge(bridge: BridgeDraft): string | undefined {
    const other = this.#bridges.find(({ name }) => name === bridge.name);
    if (other !== undefined) return `'${bridge.name}' is there already, at ${shownOrigin(other.origin)}`;
    this.#bridges.push(bridge);
    this.#bridge = bridge;
    return undefined;
  }

  beginPlugin(plugin: PluginDraft, isForAll: boolean): void {
    plugin.listeners = isForAll || !this.#config.perListenerSettings ? null : [this.#listenerFor('security')];
    this.#addPlugin(plugin);
  }

  loadPlugin(plugin: PluginDraft): string | undefined {
    const other = this.#plugins.find(({ name }) => name !== null && name === plugin.name);
    if (other !== undefined) return `'${plugin.name}' is there already, at ${shownOrigin(other.origin)}`;
    this.#addPlugin(plugin);
    return undefined;
  }

  usePlugin(wanted: string): string | undefined {
    const plugin = this.#plugins.find(({ name }) => name === wanted);
    if (plugin === undefined) return `'${wanted}' needs 'plugin_load ${wanted} /path/to/plugin.so' above it`;
    if (this.#listener === null) return 'belongs below the listener that it is for';
    plugin.listeners?.push(this.#listener);
    this.#plugin = plugin;
    return undefined;
  }

  /** The files of the folder, each for itself; afterwards the blocks go on that the line stands in. */
  include(path: string): void {
    const { file } = this.#origin;
    const where = shownOrigin(this.#origin);
    const blocks = [this.#listener, this.#bridge, this.#plugin] as const;
    this.#isIncluded = true;
    try {
      for (const included of this.#folder(resolve(dirname(file), path))) {
        this.#listener = null;
        this.#bridge = null;
        this.#plugin = null;
        for (const line of parseConfig(included.text, included.file)) this.#readLine(line);
      }
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.#problems.push(...error.problems.map((problem) => `${where}: ${problem}`));
    }
    this.#isIncluded = false;
    [this.#listener, this.#bridge, this.#plugin] = blocks;
  }

  #addPlugin(plugin: PluginDraft): void {
    this.#plugins.push(plugin);
    this.#plugin = plugin;
  }

  #isOpen(listener: ListenerDraft): boolean {
    return listener !== this.#defaultListener || OPEN_DEFAULT_LISTENER.some((name) => listener.origins.has(name));
  }

  #judgeTls(): void {
    for (const listener of this.#listeners) {
      for (const { option, text } of [...tlsMismatches(listener), ...proxyMismatches(listener)]) {
        const origin = listener.origins.get(option);
        this.#problems.push(origin === undefined ? text : `${shownOrigin(origin)}: ${text}`);
      }
    }
  }

  #warnOfUnusedAccess(): void {
    const unused = this.#defaultListener;
    if (unused === null || this.#listeners.length === 0 || this.#listeners.includes(unused)) return;
    for (const [name, origin] of unused.origins) {
      const text = `${name} has no effect: with ${PER_LISTENER_SETTINGS} it belongs below the listener that it is for.`;
      this.#warnings.push(`${shownOrigin(origin)}: ${text}`);
    }
  }

  #warnOfDoubts(): void {
    for (const listener of this.#listeners) {
      for (const { option, text } of [...listenerDoubts(listener), ...transportDoubts(listener)]) {
        const origin = listener.origins.get(option);
        this.#warnings.push(origin === undefined ? text : `${shownOrigin(origin)}: ${text}`);
      }
    }
  }

  #tellOfBridges(): void {
    for (const { name, origin } of this.#bridges) {
      this.#warnings.push(`bridge '${name}' (${shownOrigin(origin)}) is not made: this version has no bridges yet.`);
    }
  }

  #checkPlugins(): void {
    const dynsec = this.#plugins.filter(({ path }) => isDynamicSecurity(path));
    for (const { origin, path } of dynsec.slice(1)) {
      this.#problems.push(`${shownOrigin(origin)}: plugin ${path} can be there once only. Remove one of its lines.`);
    }
    for (const plugin of this.#plugins) {
      const lack = lackOfPlugin(plugin);
      if (lack !== null) this.#problems.push(`${shownOrigin(plugin.origin)}: ${lack}`);
    }
  }

  #tellOfPlugins(): void {
    for (const { origin, path, options } of this.#plugins) {
      const fate = fateOfPlugin(path);
      const where = shownOrigin(origin);
      if (fate.kind === 'planned') {
        this.#warnings.push(`${where}: plugin ${path} has no effect yet: this version ${fate.what}.`);
      }
      if (fate.kind !== 'persistence') continue;
      this.#config.isPersistent = true;
      const database = options.get('db_file');
      const isPlaceSaid = this.#statements.some(({ option }) => option.name === 'persistence_location');
      if (database !== undefined && !isPlaceSaid) this.#config.persistence.folder = dirname(database);
      const text = `plugin ${path} means 'persistence true' here: data are kept in ${resolve(this.#config.persistence.folder)}, and those of the plugin are not read.`;
      this.#notes.push(`${where}: ${text}`);
    }
  }

  #noteStatements(): void {
    for (const { option, line } of this.#statements) {
      const say = (text: string): void => {
        this.#notes.push(`${shownOrigin(line.origin)}: ${text}`);
      };
      const { status, deprecated, aliases } = option;
      if (aliases.some((alias) => fits(alias, line.name))) say(`${line.name} is another name of ${option.name}.`);
      if (deprecated !== null) say(`${option.name} is deprecated. ${deprecated}`);
      if (status.kind === 'ignored') say(`${line.name} has no effect: ${status.why}.`);
    }
  }

  /** It decides what other lines belong to, so it has to be known before them. */
  #findPerListenerSettings(lines: readonly ConfigLine[]): void {
    const last = lines.findLast(({ name }) => name === PER_LISTENER_SETTINGS);
    this.#config.perListenerSettings = /^(true|1)\b/.test(last?.value ?? '');
  }

  #readLine(line: ConfigLine): void {
    this.#origin = line.origin;
    const option = findOption(line.name);
    if (option === undefined) this.#say(line, unknownOption(line.name));
    else this.#readStatement(option, { ...line, value: saidValue(option, line.value) });
  }

  #readStatement(option: Option, line: ConfigLine): void {
    if (option.name === 'include_dir' && this.#isIncluded) {
      this.#say(line, 'include_dir counts in the main file only. Move the line there.');
      return;
    }
    const block = this.#blockOf(option);
    if (block === undefined) {
      this.#say(line, misplaced(line.name, option));
      return;
    }
    if (block !== null && 'origins' in block) block.origins.set(option.name, line.origin);
    this.#statements.push({ option, line, block });
    if (!this.#apply(option, line, block) && option.begins !== null) this.#skip(option.begins, line.origin);
  }

  /** What the option's value goes to; null: the broker. Undefined: it needs a block, and there is none. */
  #blockOf({ name, scope }: Option): Statement['block'] | undefined {
    if (OPEN_DEFAULT_LISTENER.includes(name)) {
      this.#listener = null;
      this.#listener = this.#listenerFor('listener');
    }
    switch (scope) {
      case 'listener':
        return this.#listenerFor(scope);
      case 'security':
        return this.#config.perListenerSettings ? this.#listenerFor(scope) : null;
      case 'bridge':
        return this.#bridge ?? undefined;
      case 'plugin':
        return this.#plugin ?? undefined;
      default:
        return null;
    }
  }

  /** @returns whether nothing is wrong with it */
  #apply(option: Option, line: ConfigLine, block: Statement['block']): boolean {
    const { status } = option;
    if (status.kind === 'refused') {
      this.#say(line, `${line.name} ${status.instead}`);
      return false;
    }
    const applied = option.apply(line.value, this.#place(line, block));
    if (typeof applied === 'string') this.#say(line, `${line.name} ${applied}.`);
    else if (!applied) this.#say(line, `${line.name} must be ${option.expects}, ${given(line.value)}.`);
    else if (status.kind === 'planned' && option.scope !== 'bridge' && option.begins === null) {
      // To be told that what one does not want is not there would help nobody.
      if (line.value === option.default) return true;
      const text = `${line.name} has no effect yet: this version has no ${status.part}.`;
      this.#warnings.push(`${shownOrigin(line.origin)}: ${text}`);
    }
    return applied === true;
  }

  #place({ origin, name }: ConfigLine, block: Statement['block']): Place {
    const listener = block !== null && 'security' in block ? block : null;
    return {
      origin,
      written: name,
      config: this.#config,
      security: listener === null ? this.#config.security : listener.security,
      listener: listener ?? newListenerDraft(),
      bridge: this.#bridge ?? newBridgeDraft('', origin),
      plugin: this.#plugin ?? newPluginDraft('', null, origin),
      blocks: this,
    };
  }

  /** What follows a line with a fault belongs to the block that it would have begun, and not to the one before. */
  #skip(begins: BlockKind, origin: Origin): void {
    if (begins === 'listener') this.#listener = newListenerDraft();
    else if (begins === 'bridge') this.#bridge = newBridgeDraft('', origin);
    else this.#plugin = newPluginDraft('', null, origin);
  }

  /**
   * What an option of a listener belongs to. Before any `listener` line that is the default one. What is said about
   * access alone does not open it beside others.
   */
  #listenerFor(scope: 'listener' | 'security'): ListenerDraft {
    if (this.#listener !== null) return this.#listener;
    this.#defaultListener ??= newListenerDraft();
    if (scope === 'listener' && !this.#listeners.includes(this.#defaultListener)) {
      this.#listeners.push(this.#defaultListener);
    }
    return this.#defaultListener;
  }

  #say({ origin }: ConfigLine, problem: string): void {
    this.#problems.push(`${shownOrigin(origin)}: ${problem}`);
  }
}

/** Whether a name of an option, or of a family that ends in `*`, is the one that was written. */
function fits(name: string, written: string): boolean {
  return name.endsWith('*') ? written.startsWith(name.slice(0, -1)) : written === name;
}

function given(value: string): string {
  if (value === '') return 'and there is no value';
  const hint = value.includes('#') ? ' (a comment needs a line of its own)' : '';
  return `not '${value}'${hint}`;
}

function misplaced(name: string, { scope }: Option): string {
  return scope === 'bridge'
    ? `${name} belongs to a bridge: 'connection NAME' has to stand above it.`
    : `${name} belongs to a plugin: 'plugin PATH' has to stand above it.`;
}

function unknownOption(name: string): string {
  if (name.startsWith('#')) return "a comment has to begin in the first column: there is a space before this '#'.";
  const nearest = nearestName(name, OPTION_NAMES);
  return `'${name}' is not an option.${nearest === undefined ? '' : ` Did you mean '${nearest}'?`}`;
}
