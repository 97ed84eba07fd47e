import { separators, visible } from './json-text.js';
import { jsonTokens } from './json-tokens.js';
import type { PayloadReader } from './payload-decoder.js';

const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * JSON as it was written but for the space between its parts: numbers keep all of their digits, and members their order,
 * those that are there twice, too.
 */
export function jsonReader(indent: number): PayloadReader {
  return (_topic, payload) => {
    const json = textOf(payload);
    JSON.parse(json);
    return spacedJson(json, indent);
  };
}

function textOf(payload: Uint8Array): string {
  if (payload.length === 0) throw new Error('nothing there');
  try {
    return decoder.decode(payload);
  } catch {
    throw new Error('not UTF-8');
  }
}

function spacedJson(json: string, indent: number): string {
  const parts: string[] = [];
  let depth = 0;
  let wasOpening = false;
  for (const { kind, start, end } of jsonTokens(json)) {
    const token = json.slice(start, end);
    if (wasOpening && kind !== 'closing') parts.push(separators(indent, depth - 1).begin);
    if (kind === 'opening') {
      depth++;
      parts.push(token);
    } else if (kind === 'closing') {
      depth--;
      if (!wasOpening) parts.push(separators(indent, depth).end);
      parts.push(token);
    } else if (kind === 'comma') parts.push(separators(indent, depth - 1).between);
    else if (kind === 'colon') parts.push(': ');
    else parts.push(visible(token));
    wasOpening = kind === 'opening';
  }
  return parts.join('');
}
