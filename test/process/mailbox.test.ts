import { describe, expect, it } from 'vitest'
import { Mailbox, type MailboxLimits } from '../../src/process/mailbox.ts'
import { receive } from '../../src/process/receive.ts'
import type { Term } from '../../src/term/term.ts'
import { FakeClock } from '../../src/testing/fake-clock.ts'

const roomy = { mailboxMessages: 1_000_000, mailboxBytes: 1_000_000 }

class TestMailbox extends Mailbox {
  readonly limits: MailboxLimits

  constructor(limits: MailboxLimits) {
    super()
    this.limits = limits
  }
}

function make(limits: MailboxLimits = roomy) {
  const mailbox = new TestMailbox(limits)
  const clock = new FakeClock()
  const receiver = { mailbox, clock, endError: () => new Error('ended') }
  return { mailbox, clock, receive: receive.bind(undefined, receiver) }
}

async function read(mailbox: Mailbox, count: number): Promise<Term[]> {
  const got: Term[] = []
  for await (const message of { [Symbol.asyncIterator]: () => mailbox }) {
    got.push(message)
    if (got.length === count) break
  }
  return got
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)

describe('a mailbox', () => {
  it('gives messages in the order they came, whether the reader waits or not', async () => {
    const { mailbox } = make()
    for (const n of numbers(10)) mailbox.push(n, 1)
    const reading = read(mailbox, 25)
    await Promise.resolve()
    for (const n of numbers(15)) mailbox.push(10 + n, 1)
    expect(await reading).toEqual(numbers(25))
    expect(mailbox.length).toBe(0)
    expect(mailbox.bytes).toBe(0)
  })

  it('keeps the order over growing, draining and starting in the middle of the ring', async () => {
    const { mailbox } = make()
    const got: Term[] = []
    let sent = 0
    for (const [pushes, shifts] of [
      [5, 3],
      [9, 8],
      [40, 2],
      [3000, 3041],
      [12, 12],
      [7, 10],
    ] as const) {
      for (let i = 0; i < pushes; i++) mailbox.push(sent++, 3)
      for (let i = 0; i < shifts && mailbox.length > 0; i++) got.push(mailbox.shift())
      expect(mailbox.bytes).toBe(mailbox.length * 3)
    }
    expect(got).toEqual(numbers(sent).slice(0, got.length))
    expect(got.length).toBe(sent)
  })

  it('hands undefined and null over like every other message', async () => {
    const { mailbox } = make()
    mailbox.push(undefined, 1)
    mailbox.push(null, 1)
    expect(await read(mailbox, 2)).toEqual([undefined, null])
  })

  it('lets the event loop go round, although messages never run out', async () => {
    const { mailbox } = make()
    let turned = false
    // A timer is what comes last in a round.
    setTimeout(() => {
      turned = true
    }, 1)
    mailbox.push(0, 1)
    let sent = 1
    for await (const message of { [Symbol.asyncIterator]: () => mailbox }) {
      expect(message).toBe(sent - 1)
      if (turned) break
      mailbox.push(sent++, 1)
    }
    expect(sent).toBeGreaterThan(1)
  })

  it('lets the event loop go round, although its reader always waits', async () => {
    const [ping, pong] = [make().mailbox, make().mailbox]
    let turned = false
    setTimeout(() => {
      turned = true
    }, 1)
    const play = async (mine: Mailbox, other: Mailbox): Promise<number> => {
      for (let round = 0; ; round++) {
        const { value } = await mine.next()
        if (turned || value === 'enough') {
          other.push('enough', 1)
          return round
        }
        expect(value).toBe(round)
        other.push(mine === pong ? round + 1 : round, 1)
      }
    }
    const games = [play(ping, pong), play(pong, ping)]
    ping.push(0, 1)
    const [rounds] = await Promise.all(games)
    expect(rounds).toBeGreaterThan(1)
  })

  it('keeps the order when a turn ends while the reader waits', async () => {
    const { mailbox } = make()
    const reading = read(mailbox, 5000)
    for (const n of numbers(5000)) {
      mailbox.push(n, 1)
      // Lets the reader take it and wait again, without a turn of the event loop.
      await Promise.resolve()
      await Promise.resolve()
    }
    expect(await reading).toEqual(numbers(5000))
  })

  it('keeps the order of those who wait, whether they iterate or receive', async () => {
    const { mailbox, receive } = make()
    const waiting = [mailbox.next(), receive((message) => message !== 1, {}), mailbox.next(), mailbox.next()]
    for (const n of numbers(4)) mailbox.push(n, 1)
    expect(await Promise.all(waiting)).toEqual([
      { value: 0, done: false },
      2,
      { value: 1, done: false },
      { value: 3, done: false },
    ])
  })

  it('ends all who iterate when it is closed', async () => {
    const { mailbox } = make()
    const waiting = [mailbox.next(), mailbox.next(), mailbox.next()]
    mailbox.close()
    const end = { value: undefined, done: true }
    expect(await Promise.all(waiting)).toEqual([end, end, end])
  })

  it('refuses what does not fit by count and by bytes, and takes a single message of any size', () => {
    const byCount = make({ mailboxMessages: 2, mailboxBytes: 100 }).mailbox
    expect([byCount.push(1, 1), byCount.push(2, 1), byCount.push(3, 1)]).toEqual([true, true, false])
    const byBytes = make({ mailboxMessages: 10, mailboxBytes: 100 }).mailbox
    expect([byBytes.push(1, 500), byBytes.push(2, 1)]).toEqual([true, false])
    byBytes.shift()
    expect([byBytes.push(2, 60), byBytes.push(3, 60), byBytes.push(4, 40)]).toEqual([true, false, true])
  })

  it('ends its readers when it is closed, and takes nothing in any more', async () => {
    const { mailbox, receive } = make()
    const reading = read(mailbox, 3)
    const receiving = receive(undefined, {})
    mailbox.push('last', 1)
    mailbox.close()
    mailbox.push('late', 1)
    expect(await reading).toEqual(['last'])
    await expect(receiving).rejects.toThrow('ended')
    expect(await mailbox.next()).toEqual({ value: undefined, done: true })
    await expect(receive(undefined, {})).rejects.toThrow('ended')
  })
})

describe('a selective receive', () => {
  const isText = (message: Term): message is string => typeof message === 'string'

  it('takes the oldest message that matches and leaves the others in order', async () => {
    const { mailbox, receive } = make()
    for (const message of [1, 'a', 2, 'b', 3]) mailbox.push(message, 10)
    expect(await receive(isText, {})).toBe('a')
    expect(await receive(isText, {})).toBe('b')
    expect(mailbox.bytes).toBe(30)
    expect(await read(mailbox, 3)).toEqual([1, 2, 3])
  })

  it('waits for one that matches while others pass', async () => {
    const { mailbox, receive } = make()
    const waiting = receive(isText, {})
    mailbox.push(1, 1)
    mailbox.push('a', 1)
    mailbox.push(2, 1)
    expect(await waiting).toBe('a')
    expect(await read(mailbox, 2)).toEqual([1, 2])
  })

  it('serves several receivers in line', async () => {
    const { mailbox, receive } = make()
    const waiting = [receive(isText, {}), receive(undefined, {}), receive((m) => m === 3, {}), receive(undefined, {})]
    for (const message of [1, 'a', 2, 3]) mailbox.push(message, 1)
    expect(await Promise.all(waiting)).toEqual(['a', 1, 3, 2])
  })

  it('rejects after its timeout without a timer left, and can look without waiting', async () => {
    const { mailbox, clock, receive } = make()
    mailbox.push(1, 1)
    await expect(receive(isText, { timeout: 0 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(await receive(undefined, { timeout: 0 })).toBe(1)
    const late = receive(isText, { timeout: 50 })
    clock.advance(50)
    await expect(late).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    const early = receive(isText, { timeout: 50 })
    mailbox.push('a', 1)
    expect(await early).toBe('a')
    expect(clock.pending).toBe(0)
  })

  it('looks at what is there also when the turn is used up, and never stops the event loop', async () => {
    const { mailbox, receive } = make()
    let turned = false
    setTimeout(() => {
      turned = true
    }, 1)
    while (!turned) {
      mailbox.push(1, 1)
      expect(await receive(undefined, { timeout: 0 })).toBe(1)
    }
    mailbox.close()
    await expect(receive(undefined, { timeout: 0 })).rejects.toThrow('ended')
  })

  it('rejects with the reason of its signal and does not take a message after that', async () => {
    const { mailbox, receive } = make()
    const controller = new AbortController()
    const waiting = receive(undefined, { signal: controller.signal })
    controller.abort(new Error('enough'))
    mailbox.push(1, 1)
    await expect(waiting).rejects.toThrow('enough')
    await expect(receive(undefined, { signal: controller.signal })).rejects.toThrow('enough')
    expect(mailbox.length).toBe(1)
  })

  it('rejects with what its match throws, and harms nobody else', async () => {
    const { mailbox, receive } = make()
    const broken = (): boolean => {
      throw new TypeError('no match')
    }
    const waiting = [receive(broken, {}), receive(undefined, {})]
    mailbox.push(1, 1)
    await expect(waiting[0]).rejects.toThrow('no match')
    expect(await waiting[1]).toBe(1)
    mailbox.push(2, 1)
    await expect(receive(broken, {})).rejects.toThrow('no match')
    expect(mailbox.length).toBe(1)
  })

  it('refuses a timeout that is none', async () => {
    await expect(make().receive(undefined, { timeout: -1 })).rejects.toMatchObject({ option: 'timeout' })
  })
})
