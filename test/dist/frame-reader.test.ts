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

  it('reserves little for what a peer only announces', () => {
    const announced = Buffer.concat([Buffer.from([8, 0, 0, 0]), Buffer.alloc(100)])
    const readers = Array.from({ length: 16 }, () => new FrameReader(2 ** 27, () => {}))
    const before = process.memoryUsage().arrayBuffers
    for (const one of readers) one.push(announced)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(readers.length * 2 * 2 ** 20)
  })

  it('puts a long frame together as it grows, whatever the sizes of its pieces', () => {
    const content = Buffer.alloc(5_000_000, 'the quick brown fox')
    const length = Buffer.alloc(4)
    length.writeUInt32BE(content.length)
    for (const size of [65_536, 1_000_003, 2_500_000, content.length]) {
      const frames: Buffer[] = []
      const inner = new FrameReader(2 ** 27, (bytes, start, end, owned) => {
        expect(owned).toBe(true)
        expect(bytes.buffer.byteLength).toBe(content.length)
        frames.push(bytes.subarray(start, end))
      })
      inner.push(length)
      for (let at = 0; at < content.length; at += size) inner.push(content.subarray(at, at + size))
      expect(frames).toHaveLength(1)
      expect(frames[0]?.equals(content)).toBe(true)
    }
  })

  it('takes a frame of exactly its limit', () => {
    expect(everySplit(frame(...new Array(10).fill(7)), () => reader(10))).toEqual([new Array(10).fill(7)])
  })
})
