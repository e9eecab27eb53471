/**
 * A finite number as an Erlang float: always with a point, with the fewest digits that read back to the same number.
 * Of `1.0e10` and `10000000000.0` the shorter is taken, and beyond 2^53 always the first, as `io_lib:format("~p")` does.
 */
export function floatText(value: number): string {
  if (value < 0 || Object.is(value, -0)) return `-${floatText(-value)}`
  if (value === 0) return '0.0'
  const [mantissa, power] = value.toExponential().split('e') as [string, string]
  const digits = mantissa.replace('.', '')
  const exponent = Number(power)
  const scientific = `${digits[0]}.${digits.slice(1) || '0'}e${exponent}`
  if (value >= 2 ** 53) return scientific
  const plain = positional(digits, exponent)
  return plain.length <= scientific.length ? plain : scientific
}

/** 0.d₁d₂d₃ × 10^(exponent + 1) without an exponent. */
function positional(digits: string, exponent: number): string {
  if (exponent < 0) return `0.${'0'.repeat(-exponent - 1)}${digits}`
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0')
  return `${whole}.${digits.slice(exponent + 1) || '0'}`
}
