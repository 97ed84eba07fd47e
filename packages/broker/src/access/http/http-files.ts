import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { HttpAccessConfig } from '../../config/http-options.js';
import { AccessFileError } from '../access-file-error.js';

const MAX_HEADERS = 50;
/** Those that say how long the question is, and where it goes. */
const OF_THE_REQUEST: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'content-type',
  'host',
  'transfer-encoding',
]);

/** What is in the files that the configuration names. */
export interface HttpFiles {
  readonly headers: Readonly<Record<string, string>>;
  /** PEM; null: nothing was said. */
  readonly ca: string | null;
}

/** @throws AccessFileError */
export function readHttpFiles({ headersFile, caFile }: HttpAccessConfig): HttpFiles {
  const problems: string[] = [];
  const headers = headersFile === null ? {} : headersIn(headersFile, textOf(headersFile, problems), problems);
  const ca = caFile === null ? null : textOf(caFile, problems);
  if (caFile !== null && ca !== null && problems.length === 0) {
    try {
      new X509Certificate(ca);
    } catch {
      problems.push(`${caFile}:1: there is no certificate in PEM form ('-----BEGIN CERTIFICATE-----').`);
    }
  }
  if (problems.length > 0) throw new AccessFileError(problems);
  return { headers, ca };
}

function textOf(file: string, problems: string[]): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const what = code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'it may not be read' : message;
    problems.push(`${file}: ${what}.`);
    return '';
  }
}

/** The values are secrets: no problem shows one. */
function headersIn(file: string, text: string, problems: string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon)).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    const problem = problemOf(name, value, headers);
    if (problem === null) headers[name] = value;
    else problems.push(`${file}:${index + 1}: ${problem}.`);
  }
  if (Object.keys(headers).length > MAX_HEADERS) problems.push(`${file}: more than ${MAX_HEADERS} headers.`);
  return headers;
}

function problemOf(name: string, value: string, headers: Readonly<Record<string, string>>): string | null {
  if (name === '' || value === '') return 'a line has to be a name, a colon and a value, as in X-Secret: 123';
  if (OF_THE_REQUEST.has(name)) return `the header ${name} is the broker's own`;
  if (Object.hasOwn(headers, name)) return `the header ${name} is there already`;
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return null;
  } catch {
    return 'this cannot be an HTTP header: its name or its value has characters that may not be there';
  }
}
