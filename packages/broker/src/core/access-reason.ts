import type { Settings } from './settings.js';

/** What a client is told that may not publish or subscribe; empty: nothing beyond the reason code. `rule`: what decided. */
export function accessReason({ accessReasons }: Settings, rule: string): string {
  if (accessReasons === 'none') return '';
  return accessReasons === 'full' ? `not authorised: ${rule}` : 'not authorised';
}
