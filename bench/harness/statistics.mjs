/** @param {readonly number[]} samples */
export function median(samples) {
  const sorted = Float64Array.from(samples).sort()
  const middle = sorted.length >> 1
  const [low = Number.NaN, high = low] = sorted.length % 2 === 1 ? [sorted[middle]] : sorted.subarray(middle - 1)
  return (low + high) / 2
}
