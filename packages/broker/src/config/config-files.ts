import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from './config.js';

/** A configuration file with what is in it. */
export interface ConfigFile {
  readonly file: string;
  readonly text: string;
}

/** @throws ConfigError when it cannot be read */
export function readConfigFile(file: string): ConfigFile {
  try {
    return { file, text: readFileSync(file, 'utf8') };
  } catch (error) {
    const { message } = error as Error;
    throw new ConfigError([`Unable to open configuration file ${file}: ${message}.`], { cause: error });
  }
}

/**
 * The files of a folder that `include_dir` names: those that end in `.conf`, in the order of their letters, each capital
 * before its small one. @throws ConfigError when the folder or a file cannot be read
 */
export function readConfigFolder(folder: string): ConfigFile[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    const { message } = error as Error;
    throw new ConfigError([`Unable to open the include_dir ${folder}: ${message}.`], { cause: error });
  }
  return names
    .filter((name) => name.endsWith('.conf'))
    .sort(byLetters)
    .map((name) => readConfigFile(join(folder, name)));
}

/** `A`, `a`, `B`, `b`: letter by letter without case, capitals first where nothing else tells two names apart. */
function byLetters(one: string, other: string): number {
  return compare(one.toLowerCase(), other.toLowerCase()) || compare(one, other);
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
