import { encode } from 'uqr';

/** The light frame that readers need, in modules. */
const BORDER = 2;
const BLACK_ON_WHITE = '\x1b[30;107m';
const RESET = '\x1b[0m';

/** Characters for two modules, one above the other: light and dark. */
const HALVES = { 'false,false': ' ', 'true,false': '▀', 'false,true': '▄', 'true,true': '█' };

/**
 * A text as QR code for a terminal, two modules to a line.
 * @param hasColours black on white, whatever colours the terminal has; without, light on dark is expected
 */
export function qrCode(text: string, hasColours: boolean): string {
  const { data, size } = encode(text, { border: BORDER });
  const isInk = (row: number, column: number): boolean => (data[row]?.[column] ?? false) === hasColours;
  let picture = '';
  for (let row = 0; row < size; row += 2) {
    let line = '';
    for (let column = 0; column < size; column++) {
      line += HALVES[`${isInk(row, column)},${isInk(row + 1, column)}`];
    }
    picture += hasColours ? `${BLACK_ON_WHITE}${line}${RESET}\n` : `${line}\n`;
  }
  return picture;
}
