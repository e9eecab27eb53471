import { beforeEach, describe, expect, it } from 'vitest'
import { MAX_PAUSE, Marks } from '../../../src/node/mesh/marks.ts'
import { FakeClock } from '../../../src/testing/fake-clock.ts'
import { settle } from '../../dist/joined-links.ts'

let clock: FakeClock
let asked: { name: string; signal: AbortSignal; answer: (ours: boolean) => void; fail: () => void }[]
let ours: string[]
let marks: Marks
beforeEach(() => {
  clock = new FakeClock()
  asked = []
  ours = []
  marks = new Marks(clock, 5_000, (name, signal) => {
    return new Promise((resolve, reject) => {
      asked.push({ name, signal, answer: resolve, fail: () => reject(new Error('no EPMD')) })
    })
  })
  marks.onOurs = (name) => ours.push(name)
})

async function answer(result: boolean | 'fail'): Promise<void> {
  const question = asked.shift()
  if (result === 'fail') question?.fail()
  else question?.answer(result)
  await settle(1)
}

describe('marks', () => {
  it('are asked for once, told of, and remembered', async () => {
    expect([marks.isOurs('a@host'), marks.isOurs('a@host')]).toEqual([false, false])
    expect(asked.map(({ name }) => name)).toEqual(['a@host'])
    await answer(true)
    expect([ours, marks.isOurs('a@host'), asked.length]).toEqual([['a@host'], true, 0])
  })

  it.each([false, 'fail'] as const)('that are missing (%s) are looked for ever more rarely', async (result) => {
    const times: number[] = []
    for (let now = 0; now < 400_000; now += 1_000) {
      if (!marks.isOurs('a@host') && asked.length > 0) {
        times.push(clock.now())
        await answer(result)
      }
      clock.advance(1_000)
    }
    expect(times.slice(0, 5)).toEqual([0, 5_000, 15_000, 35_000, 75_000])
    expect((times.at(-1) as number) - (times.at(-2) as number)).toBe(MAX_PAUSE)
    marks.isOurs('a@host')
    clock.advance(MAX_PAUSE)
    marks.isOurs('a@host')
    await answer(true)
    expect(ours).toEqual(['a@host'])
  })

  it('are not asked for all at once', async () => {
    for (let i = 0; i < 20; i++) marks.isOurs(`n${i}@host`)
    expect(asked).toHaveLength(8)
    await answer(false)
    expect(asked).toHaveLength(8)
    while (asked.length > 0) await answer(true)
    expect(ours).toHaveLength(19)
  })

  it('of names nobody reports are forgotten, also while they are asked for', async () => {
    for (let i = 0; i < 20; i++) marks.isOurs(`n${i}@host`)
    marks.keep((name) => name === 'n1@host')
    while (asked.length > 0) await answer(true)
    expect(ours).toEqual(['n1@host'])
  })

  it('are asked for no more when the node closes', async () => {
    marks.isOurs('a@host')
    const [question] = asked
    marks.close()
    expect(question?.signal.aborted).toBe(true)
    await answer(true)
    expect(ours).toEqual([])
  })
})
