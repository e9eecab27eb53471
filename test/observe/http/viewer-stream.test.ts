import { describe, expect, it } from 'vitest'
import { ViewerStream } from '../../../src/observe/http/viewer-stream.ts'

const MANY = new Uint8Array(300_000)

function open() {
  const seen = { room: 0, ends: 0, cuts: 0 }
  const stream = new ViewerStream({
    onRoom: () => void seen.room++,
    onEnd: () => void seen.ends++,
    cut: () => void seen.cuts++,
  })
  return { stream, seen, reader: stream.body.getReader() }
}

describe('the stream of a viewer', () => {
  it('has stalled when nothing was read between two looks', () => {
    const { stream } = open()
    expect([stream.room, stream.stalled()]).toEqual([true, false])
    stream.write(MANY)
    // It may have come a moment ago.
    expect([stream.room, stream.stalled()]).toEqual([false, false])
    expect(stream.stalled()).toBe(true)
  })

  it('has not stalled when a part was read, or all of it and more has come', async () => {
    const { reader, stream } = open()
    stream.write(MANY)
    stream.write(MANY)
    stream.stalled()
    await reader.read()
    expect([stream.room, stream.stalled()]).toEqual([false, false])
    await reader.read()
    expect(stream.room).toBe(true)
    stream.write(MANY)
    stream.write(MANY)
    expect(stream.stalled()).toBe(false)
    expect(stream.stalled()).toBe(true)
  })

  it('says once that there is room, and once that it has ended', async () => {
    const { reader, seen, stream } = open()
    stream.write(MANY)
    const before = seen.room
    await reader.read()
    expect(seen.room).toBe(before + 1)
    stream.cut()
    stream.close()
    stream.write(MANY)
    expect(seen).toMatchObject({ ends: 1, cuts: 1 })
    expect([stream.ended, stream.room]).toEqual([true, false])
  })

  it('ends with its reader', async () => {
    const { reader, seen } = open()
    await reader.cancel()
    expect(seen).toMatchObject({ ends: 1, cuts: 0 })
  })
})
