/** As `%.*f` of the C library: every digit is that of the exact binary value; a tie goes to the even digit. */
export function fixedText(value: number, digits: number): string {
  const { isNegative, numerator, shift } = partsOf(value);
  const sign = isNegative ? '-' : '';
  if (Number.isNaN(value)) return `${sign}nan`;
  if (!Number.isFinite(value)) return `${sign}inf`;
  // value = numerator * 2^shift
  const scaled = numerator * 10n ** BigInt(digits);
  const rounded = shift >= 0 ? scaled << BigInt(shift) : halfEven(scaled, BigInt(-shift));
  const text = String(rounded).padStart(digits + 1, '0');
  if (digits === 0) return sign + text;
  return `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

const EXPONENT_BIAS = 1_075;

function partsOf(value: number): { isNegative: boolean; numerator: bigint; shift: number } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const exponent = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xf_ffff_ffff_ffffn;
  return {
    isNegative: bits >> 63n === 1n,
    // Numbers that are nearly zero have no leading one.
    numerator: exponent === 0 ? fraction : fraction | (1n << 52n),
    shift: Math.max(exponent, 1) - EXPONENT_BIAS,
  };
}

/** `value / 2^bits`, rounded. */
function halfEven(value: bigint, bits: bigint): bigint {
  const quotient = value >> bits;
  const twice = (value - (quotient << bits)) << 1n;
  const one = 1n << bits;
  const roundsUp = twice > one || (twice === one && (quotient & 1n) === 1n);
  return roundsUp ? quotient + 1n : quotient;
}

const DBL_EPSILON = 2 ** -52;

/** A number as cJSON prints it: with 15 digits, with 17 where these are not enough. */
export function jsonNumberText(value: number): string {
  if (!Number.isFinite(value)) return 'null';
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 31) return String(Object.is(value, -0) ? 0 : value);
  const short = generalText(value, 15);
  const tested = Number(short);
  const isNear =
    Number.isFinite(tested) && Math.abs(tested - value) <= Math.max(Math.abs(tested), Math.abs(value)) * DBL_EPSILON;
  return isNear ? short : generalText(value, 17);
}

/** As `%.*g` of the C library. */
function generalText(value: number, digits: number): string {
  const [mantissa, exponentText] = value.toExponential(digits - 1).split('e');
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < digits) return withoutZeros(value.toFixed(Math.max(0, digits - 1 - exponent)));
  const size = String(Math.abs(exponent)).padStart(2, '0');
  return `${withoutZeros(mantissa)}e${exponent < 0 ? '-' : '+'}${size}`;
}

function withoutZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
