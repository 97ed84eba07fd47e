/** The name that differs least from what was written; null when none is near enough to be meant. */
export function nearestOption(written: string, names: Iterable<string>): string | null {
  let nearest: string | null = null;
  // One slip for each four letters: `alow_anonymous` is meant, `cheese` is not.
  let least = Math.floor(written.length / 4) + 2;
  for (const name of names) {
    const distance = editDistance(written, name);
    if (distance < least) {
      least = distance;
      nearest = name;
    }
  }
  return nearest;
}

/** Letters that have to be inserted, deleted or replaced. */
function editDistance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replaced = above[column - 1] + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, above[column] + 1, current[column - 1] + 1));
    }
    above = current;
  }
  return above[b.length];
}
