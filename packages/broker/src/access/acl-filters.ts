/** Whether there is a topic that both filters match. */
export function filtersOverlap(one: string, other: string): boolean {
  return overlap(one.split('/'), other.split('/'));
}

function overlap(one: readonly string[], other: readonly string[]): boolean {
  // No wildcard in the first level stands for what begins with $.
  if (one[0].startsWith('$') !== other[0].startsWith('$')) return false;
  for (let i = 0; ; i++) {
    // A # stands for the level above it, too.
    if (one[i] === '#' || other[i] === '#') return true;
    if (i === one.length || i === other.length) return i === one.length && i === other.length;
    if (one[i] !== '+' && other[i] !== '+' && one[i] !== other[i]) return false;
  }
}

/** Whether every topic that `part` matches is one that `whole` matches. */
export function filterCovers(whole: string, part: string): boolean {
  const wide = whole.split('/');
  const narrow = part.split('/');
  if (wide[0].startsWith('$') !== narrow[0].startsWith('$')) return false;
  for (let i = 0; ; i++) {
    if (wide[i] === '#') return true;
    if (i === wide.length || i === narrow.length) return i === wide.length && i === narrow.length;
    if (narrow[i] === '#') return false;
    if (wide[i] !== '+' && wide[i] !== narrow[i]) return false;
  }
}
