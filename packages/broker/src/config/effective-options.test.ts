import { describe, expect, it } from 'vitest';
import { effectiveBlocks } from './effective-options.js';
import { readConfigFrom } from './read-config.js';

function blocksOf(...lines: string[]) {
  return effectiveBlocks(readConfigFrom({ file: 'a.conf', text: lines.join('\n') }));
}

/** What holds of an option in the n-th block: its values, and the lines that say so. */
function held(name: string, index: number, ...lines: string[]): [string, ...number[]] | null {
  const found = blocksOf(...lines)[index].options.find((option) => option.name === name);
  return found === undefined ? null : [found.values.join(' | '), ...found.origins.map(({ line }) => line)];
}

describe('effective options', () => {
  it('are told by block, in the order of the file', () => {
    const blocks = blocksOf('listener 1', 'connection a', 'address b', 'topic #', 'listener 0 /s', 'listener 2 ::1');
    expect(blocks.map(({ title }) => title)).toEqual([
      'broker',
      'listener 1',
      'listener 0 /s',
      'listener 2 ::1',
      'connection a',
    ]);
    expect(blocks.map(({ origin }) => origin?.line)).toEqual([undefined, 1, 5, 6, 2]);
  });

  it('are one listener for this machine when there is none', () => {
    expect(blocksOf('max_qos 1').map(({ title }) => title)).toEqual(['broker', 'listener 1883 (this machine only)']);
    expect(held('max_qos', 1, 'max_qos 1')).toEqual(['1', 1]);
  });

  it('are the last line that says something, or the default', () => {
    expect(held('max_keepalive', 0, 'max_keepalive 5', 'max_keepalive 6 # more')).toEqual(['6', 2]);
    expect(held('max_keepalive', 0)).toEqual(['0']);
    expect(held('queue_qos0_messages', 0, 'queue_qos0_messages 1')).toEqual(['true', 1]);
  });

  it('are all lines of an option whose lines add up', () => {
    expect(held('log_dest', 0, 'log_dest stdout', 'log_dest file /a')).toEqual(['stdout | file /a', 1, 2]);
  });

  it('about access belong to the broker, or with per_listener_settings to listeners', () => {
    const lines = ['listener 1', 'allow_anonymous true'];
    expect(held('allow_anonymous', 0, ...lines)).toEqual(['true', 2]);
    expect(held('allow_anonymous', 1, ...lines)).toBeNull();
    expect(held('listener_allow_anonymous', 1, ...lines)).toEqual(['true']);
    expect(held('allow_anonymous', 1, ...lines, 'per_listener_settings true')).toEqual(['true', 2]);
  });

  it.each<[string, number, string[], string]>([
    ['allow_anonymous', 0, [], 'true'],
    ['allow_anonymous', 0, ['listener 1'], 'false'],
    ['listener_auto_id_prefix', 1, ['listener 1', 'auto_id_prefix x-'], 'x-'],
    ['local_clientid', 2, ['connection a', 'address b', 'topic #', 'remote_clientid c'], 'local.c'],
    ['local_cleansession', 2, ['connection a', 'address b', 'topic #', 'cleansession true'], 'true'],
    ['notification_topic', 2, ['connection a', 'address b', 'topic #', 'clientid c'], '$SYS/broker/connection/c/state'],
  ])('%s follows from other lines', (name, index, lines, value) => {
    expect(held(name, index, ...lines)).toEqual([value]);
  });

  it('say which plugin keeps data', () => {
    const lines = ['', 'plugin /mosquitto_persist_sqlite.so', 'plugin_opt_db_file /data/a.sqlite3'];
    expect(held('persistence', 0, ...lines)).toEqual(['true', 2]);
    expect(held('persistence_location', 0, ...lines)).toEqual(['/data', 2]);
    expect(held('persistence', 0)).toEqual(['false']);
  });

  it('of the default listener alone have its port and address', () => {
    expect(held('port', 1, 'port 1884', 'listener 1885')).toEqual(['1884', 1]);
    expect(held('port', 2, 'port 1884', 'listener 1885')).toBeNull();
    expect(held('bind_address', 1, 'port 1884')).toBeNull();
  });

  it('mark what nobody may see', () => {
    const [, , bridge, plugin] = blocksOf(
      'connection a',
      'address b',
      'topic #',
      'remote_password x',
      'plugin /mosquitto_persist_sqlite.so',
      'plugin_opt_db_password y',
      'plugin_opt_sync z',
    );
    const secret = [...bridge.options, ...plugin.options].filter(
      ({ isSecret, origins }) => isSecret && origins.length > 0,
    );
    expect(secret.map(({ name }) => name)).toEqual(['remote_password', 'plugin_opt_db_password']);
  });
});
