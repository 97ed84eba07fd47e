import { LEVELS, type Level, type Side } from '../statements/index.js';
import { ARRANGEMENTS, type ArrangementName } from './arrangements.js';
import { ClientTest } from './client-test.js';
import type { Case, Section } from './section.js';
import { ServerTest, SkippedError } from './server-test.js';
import type { Target } from './target.js';

/** How long a test waits for anything that has to come, unless told. */
export const DEFAULT_TIMEOUT_MS = 5000;

/** One test in one version: what runs, and what a report has a line for. */
export interface Instance {
  readonly section: string;
  readonly side: Side;
  readonly level: Level;
  readonly title: string;
  /** The ids of the statements that it proves. */
  readonly statements: readonly string[];
  /** The settings that the broker must have. */
  readonly needs: ArrangementName;
  /** Runs it, and never throws. `target` is the broker; a test of the client brings its own peer. */
  run(target: Target, timeoutMs?: number): Promise<Outcome>;
}

export type Outcome =
  | { readonly kind: 'passed'; readonly durationMs: number }
  | { readonly kind: 'failed'; readonly durationMs: number; readonly reason: string; readonly trace: string }
  | { readonly kind: 'skipped'; readonly durationMs: number; readonly reason: string };

export interface Result {
  readonly instance: Instance;
  readonly outcome: Outcome;
}

export interface Selection {
  /** All versions unless told. */
  readonly levels?: readonly Level[];
  /** The beginning of statement ids: `MQTT-3.3.1-5`, or `3.3`. All tests unless told. */
  readonly only?: string;
  /** Both unless told. */
  readonly side?: Side;
  /** Only the tests that need these settings. All unless told. */
  readonly needs?: ArrangementName;
}

/** The tests of these sections that were selected, once for each version that they run in. */
export function instancesOf(
  sections: readonly Section[],
  { levels = LEVELS, only, side, needs }: Selection = {},
): Instance[] {
  return sections
    .filter((section) => side === undefined || section.side === side)
    .flatMap((section) =>
      section.side === 'server'
        ? section.cases.flatMap((one) => levels.flatMap((level) => serverInstance(section.title, one, level)))
        : section.cases.flatMap((one) => levels.flatMap((level) => clientInstance(section.title, one, level))),
    )
    .filter((one) => needs === undefined || one.needs === needs)
    .filter(({ statements }) => only === undefined || statements.some((id) => isSelected(id, only)));
}

/** As a person reads it: the statements, then the sentence. */
export function nameOf({ statements, title }: Instance): string {
  return [...statements.map((id) => `[${id}]`), title].join(' ');
}

/** Runs the tests, several at a time, since most of them wait. Results are in the order of the tests. */
export async function runAll(
  instances: readonly Instance[],
  target: Target,
  { jobs, timeoutMs, onResult }: { jobs: number; timeoutMs?: number; onResult?: (result: Result) => void },
): Promise<Result[]> {
  const results: Result[] = new Array(instances.length);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < instances.length) {
      const index = next++;
      const instance = instances[index];
      results[index] = { instance, outcome: await instance.run(target, timeoutMs) };
      onResult?.(results[index]);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return results;
}

function isSelected(id: string, only: string): boolean {
  const wanted = only.replace(/^\[?(MQTT-)?/i, '').replace(/\]$/, '');
  const rest = id.replace('MQTT-', '');
  return rest === wanted || rest.startsWith(`${wanted}.`) || rest.startsWith(`${wanted}-`);
}

function statementsOf({ proves }: Case<never>, level: Level): readonly string[] | undefined {
  const ids = proves[level];
  return typeof ids === 'string' ? [ids] : ids;
}

function serverInstance(section: string, one: Case<ServerTest>, level: Level): Instance[] {
  const statements = statementsOf(one, level);
  if (statements === undefined) return [];
  const run = async (target: Target, timeoutMs = DEFAULT_TIMEOUT_MS): Promise<Outcome> => {
    const start = performance.now();
    const endpoint = await target.endpoint(one.needs);
    if (endpoint === null) {
      return { kind: 'skipped', durationMs: 0, reason: `needs ${one.needs}: ${ARRANGEMENTS[one.needs].doc}` };
    }
    return judge(new ServerTest(target, endpoint, level, timeoutMs), one.run, start);
  };
  return [{ section, side: 'server', level, title: one.title, statements, needs: one.needs, run }];
}

function clientInstance(section: string, one: Case<ClientTest>, level: Level): Instance[] {
  const statements = statementsOf(one, level);
  if (statements === undefined) return [];
  const run = (_: Target, timeoutMs = DEFAULT_TIMEOUT_MS): Promise<Outcome> =>
    judge(new ClientTest(level, timeoutMs), one.run, performance.now());
  return [{ section, side: 'client', level, title: one.title, statements, needs: one.needs, run }];
}

async function judge<T extends ServerTest | ClientTest>(
  test: T,
  run: (test: T) => Promise<void>,
  start: number,
): Promise<Outcome> {
  const durationMs = (): number => performance.now() - start;
  try {
    await run(test);
    return { kind: 'passed', durationMs: durationMs() };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (error instanceof SkippedError) return { kind: 'skipped', durationMs: durationMs(), reason };
    return { kind: 'failed', durationMs: durationMs(), reason, trace: test.trace.toString() };
  } finally {
    await test.close();
  }
}
