import { expect, it } from 'vitest';
import { Handshakes } from './handshakes.js';

function link() {
  const reasons: string[] = [];
  return { reasons, abort: (reason: string) => void reasons.push(reason) };
}

it('ends the oldest handshake when there are too many', () => {
  const handshakes = new Handshakes(2);
  const links = [link(), link(), link(), link()];
  for (const each of links) handshakes.begin(each);
  expect(links.map(({ reasons }) => reasons.length)).toEqual([1, 1, 0, 0]);
  expect(links[0].reasons).toEqual(['TLS: 2 others began a handshake before this one was done']);
  expect(handshakes.pending).toBe(2);
});

it('ends none that has given way to others by being done', () => {
  const handshakes = new Handshakes(2);
  const links = [link(), link(), link()];
  handshakes.begin(links[0]);
  handshakes.begin(links[1]);
  handshakes.finish(links[0]);
  handshakes.begin(links[2]);
  expect(links.map(({ reasons }) => reasons)).toEqual([[], [], []]);
});
