import type { Option, Scope } from './option.js';

/** Where a line has to stand: completes the sentence `It stands ...`. */
const PLACES: Readonly<Record<Scope, string>> = {
  file: 'anywhere; what follows belongs to it',
  broker: 'anywhere: it is for the whole broker',
  security: 'anywhere: it is for all listeners; with per_listener_settings true below the listener that it is for',
  listener: "below the 'listener' line that it is for",
  bridge: "below the 'connection' line of its bridge",
  plugin: "below the 'plugin' line of its plugin",
};

/** Where a line of the option has to stand, without a full stop. */
export function placeOf({ name, scope }: Option): string {
  if (name === 'include_dir') return 'anywhere in the main file';
  if (name === 'port' || name === 'bind_address') return 'anywhere: it is about the default listener';
  if (name === 'plugin_use') return PLACES.listener;
  return PLACES[scope];
}

/** What may be written behind the option's name: `a whole number of seconds from 1 to 3600`. */
export function valueWords({ expects, isRepeatable }: Option): string {
  return isRepeatable ? `${expects}; lines of it add up` : expects;
}

/** When a changed value takes effect. */
export function changeWords({ reloadable }: Option): string {
  return reloadable ? 'with a reload' : 'with a restart';
}

/** What becomes of the option, as a sentence; null: it does what it says. */
export function statusWords({ name, status, scope }: Option): string | null {
  switch (status.kind) {
    case 'works':
      return null;
    case 'ignored':
      return `Taken, without effect: ${status.why}.`;
    case 'planned':
      return scope === 'bridge' || name === 'connection'
        ? 'Checked, without effect yet: this version has no bridges.'
        : `Checked, without effect yet: this version has no ${status.part}.`;
    case 'refused':
      return `Refused: ${name} ${status.instead}`;
  }
}

/** How it differs from what Mosquitto does, as a sentence; null: not at all. */
export function mosquittoWords({ deviation, isOwn }: Option): string | null {
  return isOwn ? 'Does not have it.' : deviation;
}
