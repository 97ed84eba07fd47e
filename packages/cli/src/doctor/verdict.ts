import type { Finding } from './finding.js';

export const DOCTOR_EXIT = { GOOD: 0, BUT: 1, UNUSABLE: 2 } as const;

export interface Verdict {
  readonly exitStatus: (typeof DOCTOR_EXIT)[keyof typeof DOCTOR_EXIT];
  /** A sentence, or with `reasons` the beginning of one. */
  readonly text: string;
  readonly reasons: readonly string[];
}

/** What the findings come to. @param hasEnded early: what is most needed is not there */
export function verdictOn(findings: readonly Finding[], hasEnded: boolean): Verdict {
  // That the examination ended is no reason of its own.
  const bad = findings.filter(({ mark, check }) => (mark === 'warning' || mark === 'failure') && check !== 'untrusted');
  if (hasEnded) {
    return {
      exitStatus: DOCTOR_EXIT.UNUSABLE,
      text: 'Cannot be used like that:',
      reasons: bad.map(({ text }) => text),
    };
  }
  if (bad.length > 0) {
    return { exitStatus: DOCTOR_EXIT.BUT, text: 'Works, but:', reasons: bad.map(({ text }) => text) };
  }
  const hasTls = findings.some(({ area }) => area === 'tls');
  const isClosed = findings.some(({ check, mark }) => check === 'anonymous' && mark === 'ok');
  const missing = [hasTls ? '' : 'TLS', isClosed ? '' : 'users with passwords'].filter((what) => what !== '');
  const text =
    missing.length === 0
      ? 'Good for use on the internet.'
      : `Good for use on this machine. For others to connect it would need ${missing.join(' and ')}: cauldron setup`;
  return { exitStatus: DOCTOR_EXIT.GOOD, text, reasons: [] };
}
