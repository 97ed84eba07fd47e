import { expect, it } from 'vitest';
import { crc32c } from './crc32c.js';

it.each([
  ['32 zeros', new Uint8Array(32), 0x8a9136aa],
  ['32 bytes of ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ['the bytes 0 to 31', Uint8Array.from({ length: 32 }, (_, index) => index), 0x46dd794e],
  ['the digits 1 to 9', Buffer.from('123456789'), 0xe3069283],
  ['nothing', new Uint8Array(0), 0],
])('gives the sum of RFC 3720 for %s', (_, bytes, sum) => {
  expect(crc32c(bytes)).toBe(sum);
});
