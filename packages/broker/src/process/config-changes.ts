import type { EffectiveBlock, EffectiveOption } from '../config/effective-options.js';

const HIDDEN = 'a value that is not shown';

/** In what two configurations differ for a broker, a line for each option, listener, bridge and plugin. */
export function configChanges(before: readonly EffectiveBlock[], after: readonly EffectiveBlock[]): string[] {
  const old = new Map(before.map((block) => [block.title, block]));
  const fresh = new Set(after.map(({ title }) => title));
  return [
    ...before.filter(({ title }) => !fresh.has(title)).map(({ title }) => `${title} is gone`),
    ...after.flatMap((block) => {
      const former = old.get(block.title);
      return former === undefined ? [`${block.title} is new`] : optionChanges(former, block);
    }),
  ];
}

/** The options whose values now are others than at the start, and do not count before the next one; each name once. */
export function waitingForStart(atStart: readonly EffectiveBlock[], now: readonly EffectiveBlock[]): string[] {
  const old = new Map(atStart.map((block) => [block.title, block]));
  const names = now.flatMap((block) => {
    const former = new Map(old.get(block.title)?.options.map((option) => [option.name, option]));
    return block.options
      .filter((one) => !one.option.reloadable && former.has(one.name) && !isSame(one, former.get(one.name)))
      .map(({ name }) => name);
  });
  return [...new Set(names)];
}

function isSame(one: EffectiveOption, other: EffectiveOption | undefined): boolean {
  return one.values.join('\n') === other?.values.join('\n');
}

function optionChanges(before: EffectiveBlock, { kind, title, options }: EffectiveBlock): string[] {
  const old = new Map(before.options.map((option) => [option.name, option]));
  const where = kind === 'broker' ? '' : `${title}: `;
  const lines = options.flatMap((option) => {
    const former = old.get(option.name);
    old.delete(option.name);
    if (isSame(option, former)) return [];
    return [`${where}${option.name} is ${shown(option)}${former === undefined ? '' : `, it was ${shown(former)}`}`];
  });
  return [...lines, ...[...old.keys()].map((name) => `${where}${name} is gone`)];
}

function shown({ values, origins, isSecret }: EffectiveOption): string {
  return isSecret && origins.length > 0 ? HIDDEN : values.join(' and ');
}
