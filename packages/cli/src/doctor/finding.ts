/** How good what was found is. `note`: worth knowing, and nothing to mend. */
export type Mark = 'ok' | 'note' | 'warning' | 'failure';

/** What a check was about: the headings of the report, in their order. */
export const AREAS = {
  address: 'Address',
  tls: 'TLS',
  webSocket: 'WebSocket',
  versions: 'Versions of MQTT',
  limits: 'What the broker announces',
  access: 'Who gets in',
  messages: 'Messages',
  sessions: 'Sessions',
  speed: 'Round trips',
} as const;

export type Area = keyof typeof AREAS;

/** One line of the report. */
export interface Finding {
  readonly area: Area;
  /** What was looked at, for programs: it stays the same from version to version. */
  readonly check: string;
  readonly mark: Mark;
  /** A sentence without its full stop. */
  readonly text: string;
  /** How long the check took; absent where that says nothing. */
  readonly timeMs?: number;
  /** What to do about it. */
  readonly advice?: string;
  /** The figures in the text, for programs. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/** Takes the findings, one by one, as they come. */
export type Report = (finding: Finding) => void;

/** Nothing further can be examined: the finding that says why has been reported. */
export class ExaminationEnded extends Error {
  override readonly name = 'ExaminationEnded';
}

/** Reports the end of the examination. */
export function endWith(report: Report, finding: Omit<Finding, 'mark'>): never {
  report({ ...finding, mark: 'failure' });
  throw new ExaminationEnded(finding.text);
}

/** How long it took, with what came of it. */
export async function timed<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly timeMs: number }> {
  const startedMs = performance.now();
  const result = await work();
  return { result, timeMs: performance.now() - startedMs };
}

/** Within a line: what others wrote must not reach the terminal as it is. */
export function harmless(text: string, maximum = 200): string {
  const shown = text.replace(/\p{Cc}/gu, '?');
  return shown.length > maximum ? `${shown.slice(0, maximum)}…` : shown;
}

/** `1 day`, `2 days`. */
export function counted(count: number, what: string): string {
  return `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;
}
