import { readFileSync } from 'node:fs';

/** How local time is called: `CET`. Where the system does not say, it is the distance from UTC: `+01`. */
export function zoneName(local: Date): string {
  const zone = process.env.TZ ?? '';
  if (known?.zone !== zone) known = { zone, names: readNames(zone.replace(/^:/, '')) };
  const minutesEast = 0 - local.getTimezoneOffset();
  return known.names.find((one) => one.minutesEast === minutesEast)?.name ?? distance(minutesEast);
}

interface ZoneName {
  readonly name: string;
  readonly minutesEast: number;
}

/** Those of the zone that was asked for last: a process hardly ever has another one. */
let known: { readonly zone: string; readonly names: readonly ZoneName[] } | undefined;

function readNames(zone: string): readonly ZoneName[] {
  const file = zone === '' ? '/etc/localtime' : zone.startsWith('/') ? zone : `/usr/share/zoneinfo/${zone}`;
  try {
    // The last line of such a file is a rule for the time to come, as TZ may have it, too (RFC 8536, section 3.3).
    return parseRule(readFileSync(file, 'latin1').trimEnd().split('\n').at(-1) ?? '');
  } catch {
    return parseRule(zone);
  }
}

/** `CET-1CEST,M3.5.0,M10.5.0/3`: standard time, its distance from UTC (west is positive), summer time. */
export function parseRule(rule: string): readonly ZoneName[] {
  const name = '(<[^>]+>|[A-Za-z]{3,})';
  const offset = '([+-]?\\d{1,2})(?::(\\d\\d))?(?::\\d\\d)?';
  const parts = new RegExp(`^${name}${offset}(?:${name}(?:${offset})?)?`).exec(rule);
  if (parts === null) return [];
  const [, standard, hours, minutes, summer, summerHours, summerMinutes] = parts;
  const minutesEast = eastOf(hours, minutes);
  const found = [{ name: plain(standard), minutesEast }];
  if (summer !== undefined) {
    const east = summerHours === undefined ? minutesEast + 60 : eastOf(summerHours, summerMinutes);
    found.push({ name: plain(summer), minutesEast: east });
  }
  return found;
}

const plain = (name: string) => name.replace(/[<>]/g, '');

/** The rule counts to the west. */
function eastOf(hours: string, minutes = '0'): number {
  const size = Math.abs(Number(hours)) * 60 + Number(minutes);
  return hours.startsWith('-') ? size : 0 - size;
}

function distance(minutesEast: number): string {
  const minutes = Math.abs(minutesEast);
  const text = String(Math.floor(minutes / 60)).padStart(2, '0');
  const rest = minutes % 60 === 0 ? '' : String(minutes % 60).padStart(2, '0');
  return `${minutesEast < 0 ? '-' : '+'}${text}${rest}`;
}
