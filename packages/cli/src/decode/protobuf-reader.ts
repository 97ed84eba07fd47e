import protobuf from 'protobufjs';
import { UsageError } from '../command-line/arguments.js';
import { jsonText, visible } from './json-text.js';
import type { PayloadReader } from './payload-decoder.js';
import { protobufValue } from './protobuf-value.js';

/**
 * Messages of one type of a .proto file, whose imports are looked for beside it.
 * @param argument FILE[:MESSAGE]; without a message the file has exactly one on its highest level
 * @throws (rejects) UsageError for a file that cannot be used, and where the message is not clear
 */
export async function protobufReader(argument: string, indent: number): Promise<PayloadReader> {
  const [file, name] = splitArgument(argument);
  const root = new protobuf.Root();
  try {
    await root.load(file, { keepCase: true });
    root.resolveAll();
  } catch (error) {
    throw new UsageError(`${file} cannot be used: ${visible((error as Error).message)}`);
  }
  const type = name === null ? onlyMessage(root, file) : messageNamed(root, file, name);
  return (_topic, payload) => jsonText(protobufValue(type, payload), indent);
}

/** What stands behind the last colon is a message if it could be one: `C:\x.proto` has none. */
function splitArgument(argument: string): [file: string, message: string | null] {
  const [, file, message] = /^(.+):([\w.]+)$/s.exec(argument) ?? [];
  return file === undefined || message.endsWith('.proto') ? [argument, null] : [file, message];
}

function onlyMessage(root: protobuf.Root, file: string): protobuf.Type {
  const messages = messagesOf(root, file);
  const outer = messages.filter(({ parent }) => !(parent instanceof protobuf.Type));
  if (outer.length === 1) return outer[0];
  if (outer.length === 0) throw new UsageError(`${file} has no message`);
  throw new UsageError(`${file} has several messages; say ${file}:MESSAGE with one of ${listOf(messages)}`);
}

/** By its full name, or by the last part of it. */
function messageNamed(root: protobuf.Root, file: string, name: string): protobuf.Type {
  const wanted = name.replace(/^\./, '');
  const all = messagesOf(root, null);
  const found = all.filter((type) => nameOf(type) === wanted);
  if (found.length === 0) found.push(...all.filter((type) => nameOf(type).endsWith(`.${wanted}`)));
  if (found.length === 1) return found[0];
  if (found.length > 1) throw new UsageError(`${wanted} could be ${listOf(found)}`);
  throw new UsageError(`${file} has no message ${wanted}, but ${listOf(messagesOf(root, file))}`);
}

/** All messages, those within messages too, of one file, or of all that were read. */
function messagesOf(namespace: protobuf.NamespaceBase, file: string | null): protobuf.Type[] {
  return namespace.nestedArray.flatMap((one) => {
    if (!(one instanceof protobuf.Namespace) && !(one instanceof protobuf.Type)) return [];
    const inner = messagesOf(one, file);
    const isWanted = one instanceof protobuf.Type && (file === null || one.filename === file);
    return isWanted ? [one, ...inner] : inner;
  });
}

function nameOf(type: protobuf.Type): string {
  return type.fullName.slice(1);
}

function listOf(types: readonly protobuf.Type[]): string {
  return types.length === 0 ? 'none at all' : types.map(nameOf).join(', ');
}
