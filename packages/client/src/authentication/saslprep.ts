/** What is seen as nothing (RFC 3454, table B.1). */
const MAPPED_TO_NOTHING = /[\u034f\u180b-\u180d\ufe00-\ufe0f\u00ad\u1806\u200b-\u200d\u2060\ufeff]/gu;

/** Spaces that are not that of ASCII (C.1.2). */
const OTHER_SPACES = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/gu;

/**
 * Control characters (C.2), private use (C.3), what is no character (C.4), halves of pairs (C.5), what is no plain text (C.6),
 * descriptions of characters (C.7), what changes the display (C.8) and tags (C.9); without those that cannot be left after
 * mapping and normalization.
 */
const PROHIBITED =
  /[\p{Cc}\p{Co}\p{Cs}\p{NChar}\u06dd\u070f\u180e\u200c-\u200f\u2028-\u202e\u2060-\u2063\u206a-\u206f\u2ff0-\u2ffb\ufeff\ufff9-\ufffd\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}]/u;

/** Written from right to left (D.1). */
const RIGHT_TO_LEFT =
  /[\u05be\u05c0\u05c3\u05d0-\u05ea\u05f0-\u05f4\u061b\u061f\u0621-\u063a\u0640-\u064a\u066d-\u066f\u0671-\u06d5\u06dd\u06e5-\u06e6\u06fa-\u06fe\u0700-\u070d\u0710\u0712-\u072c\u0780-\u07a5\u07b1\u200f\ufb1d\ufb1f-\ufb28\ufb2a-\ufb36\ufb38-\ufb3c\ufb3e\ufb40-\ufb41\ufb43-\ufb44\ufb46-\ufbb1\ufbd3-\ufd3d\ufd50-\ufd8f\ufd92-\ufdc7\ufdf0-\ufdfc\ufe70-\ufe74\ufe76-\ufefc]/u;

/**
 * Written from left to right (D.2), as of Unicode 3.2, which no property of today's characters tells: runs of code points,
 * each by how many there are before it since the last run, and how many follow its first, in base 36.
 */
const LEFT_TO_RIGHT_RUNS = `
1t-p 6-p 1b a 4 5-m 1-u 1-88 1-h s-2l 2-8 2-6 e-1 e-4 9 3v b 1-2 1 1-j 1-17 1-11 a-3m 7-1w 1-11 2-1 6-f x-11 2-6
1-12 1 op 1-1g 3-3 8-3 3 7-9 2-c h-1 1-7 2-1 2-l 1-6 1 3-3 4-2 6-1 2-1 a 4-1 1-2 4-b 2-6 a-5 4-1 2-l 1-6 1-1 1-1
1-1 4-2 o-3 1 7-9 2-2 e 1-6 1 1-2 1-l 1-6 1-1 1-4 3-3 8 1-1 3 f 5-9 i-1 1-7 2-1 2-l 1-6 1-1 2-3 3-1 1 6-1 2-1 a
4-1 1-2 4-a i 1-5 3-2 1-3 3-1 1 1-1 3-1 3-2 3-7 1-2 4-1 1-1 3-2 1-2 a f-b e-2 1-7 1-2 1-m 1-9 1-4 7-3 r-1 4-9
i-1 1-7 1-2 1-m 1-9 1-4 4 1-4 2-1 1-1 9-1 7 1-1 4-9 i-1 1-7 1-2 1-m 1-f 4-2 5-2 1-2 a 8-1 4-9 i-1 1-h 3-n 1-8 1
2-6 8-2 6-7 i-2 c-1b 1-1 c-6 8-c 11-1 1 2-1 1 2 6-3 1-6 1-2 1 1 2-1 1-3 1-1 9 2-4 1 9-9 2-1 y-n 2-q 1 1 5-9 1-x
k 5 2-3 1e-7 1-5 2 1c-x 1-4 1-1 1 4 6 7-n 20-11 a-14 2 4-2h 5-1v 5-29 6-6 1-1q 1 1-3 2-6 1 1-3 2-12 1 1-3 2-u 1
1-3 2-6 1 1-3 2-6 1-6 1-m 1-u 1 1-3 2-6 1-12 1-i 6-r z-2c c-hh a-p 5-28 f-c 1-3 e-h 3-1 9-h e-c 1-2 f-1i 7-7 1-1
b-6 1 3-9 12-9 6-2f 8-14 11z-4b 4-2h 6-l 2-5 2-11 2-5 2-7 1 1 1 1-u 2-1g 1-6 1 3-2 1-6 3-3 2-5 4-c 5-2 1-6 h 2q
d 3m 4 2-9 1 3-4 6 1 1 1-3 1-2 1-6 3-2 5-4 m-z c2-1w q 7a-25 26z-2 p-8 7-4 2-4 4-2d 6-2 1-2h 1-3 5-13 4-2l 1-13
1k-18 3-z s-r 3-1d f-b 4-1a 1-3a 4-2q 2-u 1-52t 22-g4l 2i-wc 1gz-8mb 2k-6r1 2-1m 45-6 c-4 sp-p 6-p b-2g 3-5 2-5
2-5 2-2 mb-u 1-3 c-q 51-11 2-11 148i-6t a-12 3-1o 3-8 g-1 7-t 4-1b f6-2c 1-1y 1-1 2 2-1 2-3 1-b 1 1-3 1-1 1-1s
1-3 2-7 1-6 1-r 1-3 1-4 1 3-6 1-9d 4-81 7xy-wye g15-f1 gvz6-1ekd 2-1ekd`;

let leftToRight: RegExp | null = null;

/**
 * A name or password in the one form that SASLprep (RFC 4013) gives it: characters, spaces and accents that look the same
 * become the same, and what is not seen is left out. Code points that Unicode 3.2 did not know are allowed, as they are in
 * what is only compared.
 * @returns null for text that is not allowed: control characters and their like, text in both directions, or nothing left
 */
export function saslPrepared(text: string): string | null {
  const prepared = text.replace(OTHER_SPACES, ' ').replace(MAPPED_TO_NOTHING, '').normalize('NFKC');
  if (prepared === '' || PROHIBITED.test(prepared)) return null;
  if (!RIGHT_TO_LEFT.test(prepared)) return prepared;
  leftToRight ??= runs(LEFT_TO_RIGHT_RUNS);
  const ends = [prepared.charAt(0), prepared.charAt(prepared.length - 1)];
  return leftToRight.test(prepared) || !ends.every((end) => RIGHT_TO_LEFT.test(end)) ? null : prepared;
}

function runs(written: string): RegExp {
  let next = 0;
  const classes = written
    .trim()
    .split(/\s/)
    .map((run) => {
      const [gap, more = 0] = run.split('-').map((digits) => Number.parseInt(digits, 36));
      const first = next + gap;
      next = first + more + 1;
      return `\\u{${first.toString(16)}}-\\u{${(next - 1).toString(16)}}`;
    });
  return new RegExp(`[${classes.join('')}]`, 'u');
}
