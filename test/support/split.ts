import { expect } from 'vitest'

/** A reader under test: takes bytes in any portions. */
export interface Sink<Result> {
  push(chunk: Uint8Array): void
  /** What came out of all that was pushed. Called once, at the end. */
  end(): Result
}

/**
 * Feeds `bytes` to a fresh reader whole, byte by byte, and cut in two at every position, and expects the same result
 * each time. Returns it. Every wire reader goes through this: TCP keeps no message boundaries.
 *
 * Readers own what they are given, as with a socket's chunks. With `lend` each portion is overwritten after `push`, so
 * that a reader that keeps a view where it should have copied is found out.
 *
 * @param create makes the reader and may collect into it: `() => { const seen = []; … return { push, end } }`
 */
export function everySplit<Result>(
  bytes: Uint8Array,
  create: () => Sink<Result>,
  { lend = false }: { lend?: boolean } = {},
): Result {
  const feed = (portions: Iterable<Uint8Array>): Result => {
    const sink = create()
    for (const portion of portions) {
      const copy = Buffer.from(portion)
      sink.push(copy)
      if (lend) copy.fill(0xaa)
    }
    return sink.end()
  }
  const whole = feed([bytes])
  expect(feed(bytewise(bytes)), 'byte by byte').toEqual(whole)
  for (let at = 1; at < bytes.length; at++) {
    expect(feed([bytes.subarray(0, at), bytes.subarray(at)]), `cut at byte ${at}`).toEqual(whole)
  }
  return whole
}

function* bytewise(bytes: Uint8Array): Iterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at++) yield bytes.subarray(at, at + 1)
}
