import { describe, expect, it } from 'vitest'
import { FrameReader } from '../../src/dist/frame-reader.ts'
import { everySplit, type Sink } from '../support/split.ts'

function frame(...bytes: number[]): Buffer {
  const framed = Buffer.alloc(4 + bytes.length)
  framed.writeUInt32BE(bytes.length)
  framed.set(bytes, 4)
  return framed
}

function reader(limit: number): Sink<number[][]> {
  const frames: number[][] = []
  const inner = new FrameReader(limit, (bytes, start, end) => frames.push([...bytes.subarray(start, end)]))
  return { push: (chunk) => inner.push(chunk), end: () => frames }
}

describe('a frame reader', () => {
  it('cuts frames the same way however they arrive, and skips ticks', () => {
    const stream = Buffer.concat([frame(1, 2, 3), frame(), frame(4), frame(), frame(), frame(5, 6, 7, 8, 9)])
    expect(everySplit(stream, () => reader(100), { lend: true })).toEqual([[1, 2, 3], [4], [5, 6, 7, 8, 9]])
  })

  it('reads plain byte arrays that begin in the middle of their memory', () => {
    const sink = reader(100)
    sink.push(new Uint8Array([9, 9, ...frame(1, 2)]).subarray(2))
    expect(sink.end()).toEqual([[1, 2]])
  })

  it('hands frames within a chunk out in place, and those that span chunks as memory nobody else has', () => {
    const seen: boolean[] = []
    const inner = new FrameReader(100, (_bytes, _start, _end, owned) => seen.push(owned))
    inner.push(Buffer.concat([frame(1), frame(2, 3).subarray(0, 5)]))
    inner.push(frame(2, 3).subarray(5))
    expect(seen).toEqual([false, true])
  })

  it('refuses a frame over its limit as soon as its length is known, also when it lies within one chunk', () => {
    const long = frame(...new Array(11).fill(1))
    for (const cut of [1, 3, 4, 7, long.length]) {
      const sink = reader(10)
      const feed = () => {
        sink.push(long.subarray(0, cut))
        sink.push(long.subarray(cut))
      }
      expect(feed, `cut at ${cut}`).toThrow('a frame of 11 bytes; 10 are allowed')
      expect(sink.end()).toEqual([])
    }
    expect(() => reader(2 ** 27).push(Buffer.from([0xff, 0xff, 0xff, 0xff]))).toThrow('4294967295 bytes')
  })

  it('takes a frame of exactly its limit', () => {
    expect(everySplit(frame(...new Array(10).fill(7)), () => reader(10))).toEqual([new Array(10).fill(7)])
  })
})
