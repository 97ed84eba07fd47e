import type { Level, Side } from '../statements/index.js';
import type { ArrangementName } from './arrangements.js';
import type { ClientTest } from './client-test.js';
import type { ServerTest } from './server-test.js';

/** The statements that a test proves, for each version that it runs in; an empty list where it goes beyond them. */
export type Proves = Readonly<Partial<Record<Level, string | readonly string[]>>>;

export interface Case<T> {
  /** A sentence that says what is expected. */
  readonly title: string;
  readonly proves: Proves;
  readonly needs: ArrangementName;
  readonly run: (test: T) => Promise<void>;
}

interface SectionOf<S extends Side, T> {
  readonly side: S;
  /** Number and name of the section of the standard, or the theme of edge cases. */
  readonly title: string;
  readonly cases: readonly Case<T>[];
}

export type ServerSection = SectionOf<'server', ServerTest>;
export type ClientSection = SectionOf<'client', ClientTest>;
export type Section = ServerSection | ClientSection;

/** Adds a test to a section. `needs` names the settings that the broker must have, unless plain ones do. */
export type Declare<T> = (
  title: string,
  proves: Proves,
  run: (test: T) => Promise<void>,
  needs?: ArrangementName,
) => void;

/** Tests that a broker has to pass. */
export function serverSection(title: string, declare: (test: Declare<ServerTest>) => void): ServerSection {
  return { side: 'server', title, cases: casesOf(declare) };
}

/** Tests that packages/client has to pass. */
export function clientSection(title: string, declare: (test: Declare<ClientTest>) => void): ClientSection {
  return { side: 'client', title, cases: casesOf(declare) };
}

function casesOf<T>(declare: (test: Declare<T>) => void): Case<T>[] {
  const cases: Case<T>[] = [];
  declare((title, proves, run, needs = 'plain') => cases.push({ title, proves, needs, run }));
  return cases;
}
