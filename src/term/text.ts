import { isUtf8 } from 'node:buffer'

/** Node.js buffers have these methods; its type declarations lack them. */
interface SlicingBuffer {
  latin1Slice(start: number, end: number): string
  utf8Slice(start: number, end: number): string
}

/**
 * The text in `bytes[start, end)`, or undefined when that is not valid UTF-8. Short ASCII, which most strings are, is
 * put together here: the way into native code costs more than twelve characters do.
 */
export function readUtf8(bytes: Buffer, start: number, end: number): string | undefined {
  const length = end - start
  if (length <= 12) {
    const text = shortAscii(bytes, start, length)
    if (text !== undefined) return text
  } else if (length < 64) {
    let high = 0
    for (let i = start; i < end; i++) high |= bytes[i] as number
    if (high < 128) return (bytes as unknown as SlicingBuffer).latin1Slice(start, end)
  }
  if (!isUtf8(bytes.subarray(start, end))) return undefined
  return (bytes as unknown as SlicingBuffer).utf8Slice(start, end)
}

const { fromCharCode } = String

function shortAscii(bytes: Buffer, at: number, length: number): string | undefined {
  if (length === 0) return ''
  let text = ''
  let i = at
  const end = at + length
  while (i + 4 <= end) {
    const a = bytes[i] as number
    const b = bytes[i + 1] as number
    const c = bytes[i + 2] as number
    const d = bytes[i + 3] as number
    if ((a | b | c | d) > 127) return undefined
    text += fromCharCode(a, b, c, d)
    i += 4
  }
  switch (end - i) {
    case 3: {
      const a = bytes[i] as number
      const b = bytes[i + 1] as number
      const c = bytes[i + 2] as number
      return (a | b | c) > 127 ? undefined : text + fromCharCode(a, b, c)
    }
    case 2: {
      const a = bytes[i] as number
      const b = bytes[i + 1] as number
      return (a | b) > 127 ? undefined : text + fromCharCode(a, b)
    }
    case 1: {
      const a = bytes[i] as number
      return a > 127 ? undefined : text + fromCharCode(a)
    }
    default:
      return text
  }
}
