import { describe, expect, it } from 'vitest'
import type { Carrier } from '../../src/dist/carrier.ts'
import { Outbox } from '../../src/dist/outbox.ts'
import { settle } from './joined-links.ts'

/** A carrier that notes what it is given and takes `room` writes before it is full. */
class Pipe implements Partial<Carrier> {
  readonly chunks: string[] = []
  readonly written: (() => void)[] = []
  room = Number.POSITIVE_INFINITY

  write(chunk: Uint8Array, written?: () => void): boolean {
    this.chunks.push(Buffer.from(chunk).toString('latin1'))
    if (written !== undefined) this.written.push(written)
    return --this.room > 0
  }

  get text(): string {
    return this.chunks.join('')
  }

  /** What was given has left. */
  leave(): void {
    for (const written of this.written.splice(0)) written()
  }
}

function outbox(): { box: Outbox; pipe: Pipe; events: string[]; put: (text: string) => void } {
  const pipe = new Pipe()
  const events: string[] = []
  const box = new Outbox(pipe as unknown as Carrier, {
    onRoom: () => events.push('room'),
    onWritten: () => events.push('written'),
  })
  const put = (text: string) => {
    box.writer.raw(Buffer.from(text, 'latin1'))
    box.commit(text.length)
  }
  return { box, pipe, events, put }
}

describe('an outbox', () => {
  it('hands over what one turn wrote as one write, what its microtasks wrote included', async () => {
    const { box, pipe, put } = outbox()
    put('one ')
    put('two ')
    queueMicrotask(() => put('three '))
    void Promise.resolve().then(() => Promise.resolve().then(() => put('four')))
    expect(pipe.chunks).toEqual([])
    expect(box.queuedBytes).toBe('one two three four'.length - 'three four'.length)
    await settle(1)
    expect(pipe.chunks).toEqual(['one two three four'])
  })

  it('never hands over a message that is still being written', async () => {
    const { box, pipe, put } = outbox()
    put('done')
    box.writer.raw(Buffer.from('unfinished'))
    await settle(1)
    expect(pipe.text).toBe('done')
    box.commit(10)
    await settle(1)
    expect(pipe.text).toBe('doneunfinished')
  })

  it('keeps the order of all that was written, pushed, and moved to a larger buffer', async () => {
    const { box, pipe, put } = outbox()
    let expected = ''
    for (let i = 0; i < 300; i++) {
      const text = `${i}:${'x'.repeat((i * 37) % 500)};`
      expected += text
      if (i % 7 === 3) box.push(Buffer.from(text, 'latin1'))
      else put(text)
    }
    await settle(1)
    expect(pipe.text).toBe(expected)
  })

  it('keeps everything while the carrier is full, also the buffers it fills meanwhile, and its order', async () => {
    const { box, pipe, events, put } = outbox()
    pipe.room = 1
    put('a')
    await settle(1)
    expect(box.blocked).toBe(true)
    let expected = 'a'
    for (let i = 0; i < 100; i++) {
      const text = `${i}${'y'.repeat(1000)}`
      expected += text
      if (i % 10 === 5) box.push(Buffer.from(text, 'latin1'))
      else put(text)
      if (i % 25 === 0) await settle(1)
    }
    expect(pipe.text).toBe('a')
    let drains = 0
    while (box.blocked) {
      pipe.room = 2
      box.drained()
      drains++
      expect(expected.startsWith(pipe.text)).toBe(true)
    }
    expect(pipe.text).toBe(expected)
    expect(drains).toBeGreaterThan(3)
    expect(events.filter((event) => event === 'room')).toHaveLength(1)
  })

  it('counts what it was given and what has left, to zero', async () => {
    const { box, pipe, events, put } = outbox()
    put('12345')
    box.push(Buffer.from('678'))
    expect(box.acceptedBytes).toBe(8)
    expect(box.queuedBytes).toBe(8)
    await settle(1)
    expect(box.queuedBytes).toBe(8)
    pipe.leave()
    expect(box.queuedBytes).toBe(0)
    expect(events).toEqual(['written', 'written'])
    expect(box.acceptedBytes).toBe(8)
  })

  it('writes over what has left, and over nothing that has not', async () => {
    const { box, pipe, put } = outbox()
    const memory = box.writer.bytes
    put('a')
    await settle(1)
    put('b')
    pipe.leave()
    // What was written behind it in the same turn is still there to be handed over.
    await settle(1)
    expect(pipe.text).toBe('ab')
    expect(box.writer.position).toBe(2)
    pipe.leave()
    expect(box.writer.position).toBe(0)
    put('c')
    await settle(1)
    box.writer.raw(Buffer.from('unfinished'))
    pipe.leave()
    box.commit('unfinished'.length)
    await settle(1)
    expect(box.writer.bytes).toBe(memory)
    expect(pipe.text).toBe('abcunfinished')
  })

  it('takes full buffers again when all of them has left, also those that waited, and none that a big message shares', async () => {
    const { box, pipe, events, put } = outbox()
    const big = 'x'.repeat(60_000)
    const seen = new Map<Buffer, number>()
    for (let turn = 0; turn < 40; turn++) {
      pipe.room = turn % 2 === 0 ? 2 : 100
      let expected = ''
      for (let i = 0; i < 7; i++) {
        put(`${turn}.${i}:${big}`)
        expected += `${turn}.${i}:${big}`
        seen.set(box.writer.bytes, turn)
      }
      await settle(1)
      while (box.blocked) {
        pipe.leave()
        pipe.room = 2
        box.drained()
      }
      expect(pipe.text === expected, `turn ${turn}`).toBe(true)
      pipe.chunks.length = 0
      pipe.leave()
    }
    expect(box.queuedBytes).toBe(0)
    expect(events).toContain('room')
    expect(seen.size).toBeLessThan(16)
    put('before')
    box.writer.raw(Buffer.from('a big message'))
    const shared = box.writer.bytes
    const frame = box.writer.detach(100)
    await settle(1)
    pipe.leave()
    for (let i = 0; i < 50; i++) {
      put(big)
      expect(box.writer.bytes).not.toBe(shared)
    }
    expect(frame.toString()).toBe('a big message')
  })

  it('hands everything over when it closes, however full the carrier is, and nothing afterwards', async () => {
    const { box, pipe, put } = outbox()
    pipe.room = 1
    put('a')
    await settle(1)
    put('b')
    box.push(Buffer.from('c'))
    put('d')
    box.close()
    expect(pipe.text).toBe('abcd')
    put('e')
    box.push(Buffer.from('f'))
    box.drained()
    await settle(1)
    expect(pipe.text).toBe('abcd')
  })
})
