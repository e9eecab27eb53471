import { beforeEach, describe, expect, it } from 'vitest'
import { TsunagiError } from '../../../src/base/errors.ts'
import type { Link } from '../../../src/dist/link.ts'
import type { LearnedNames } from '../../../src/node/mesh/learned-names.ts'
import { decodeMeshMessage } from '../../../src/node/mesh/mesh-message.ts'
import { GATHER, News } from '../../../src/node/mesh/news.ts'
import { atom, Pid, type Term } from '../../../src/term/index.ts'
import { FakeClock } from '../../../src/testing/fake-clock.ts'

const X = 'x@host'
const Y = 'y@host'

let clock: FakeClock
/** Who reported what to us: `reporter name`. */
let reported: Set<string>
/** What peers were told: `peer +dialling ~passive -gone`. */
let told: string[]
let full: boolean
let news: News
beforeEach(() => {
  clock = new FakeClock()
  reported = new Set()
  told = []
  full = false
  const learned = { has: (reporter: string, name: string) => reported.has(`${reporter} ${name}`) }
  news = new News(clock, new Pid('us@host', 1, 0, 1), learned as unknown as LearnedNames)
})

function link(name: string): Link {
  const sendToName = (_from: Pid, _to: unknown, message: Term): boolean => {
    if (full) throw new TsunagiError('ERR_LINK_FULL', 'full')
    const decoded = decodeMeshMessage(message)
    if (decoded?.type !== 'nodes') throw new Error('not news')
    const { seeking, sought, gone } = decoded
    told.push(
      [name, ...seeking.map((it) => `+${it}`), ...sought.map((it) => `~${it}`), ...gone.map((it) => `-${it}`)].join(
        ' ',
      ),
    )
    return true
  }
  return { peer: atom(name), down: false, send: { sendToName } } as unknown as Link
}

/** What was told since the last look, once changes were gathered. */
function later(ms = GATHER): string[] {
  clock.advance(ms)
  return told.splice(0)
}

describe('news', () => {
  it('are all there is at first, and then what changes, gathered', () => {
    news.up('b@host', 'sought')
    news.up('c@host', 'seeking')
    news.listen(link(X))
    expect(told.splice(0)).toEqual([`${X} +c@host ~b@host`])
    news.up('d@host', 'seeking')
    news.down('b@host')
    expect(later(GATHER - 1)).toEqual([])
    expect(later(1)).toEqual([`${X} +d@host -b@host`])
    expect([later(100_000), clock.pending]).toEqual([[], 0])
  })

  it('are not told to whom they are about, nor to who reported them', () => {
    news.up(X, 'seeking')
    news.listen(link(X))
    news.up(Y, 'seeking')
    news.listen(link(Y))
    reported.add(`${X} c@host`)
    news.up('c@host', 'seeking')
    expect(told.splice(0)).toEqual([`${Y} +${X}`])
    expect(later()).toEqual([`${X} +${Y}`, `${Y} +c@host`])
    news.down('c@host')
    expect(later()).toEqual([`${Y} -c@host`])
  })

  it('are told after all to one that lost what it had reported', () => {
    reported.add(`${X} c@host`)
    news.up('c@host', 'seeking')
    news.listen(link(X))
    expect(later()).toEqual([])
    reported.clear()
    news.lostBy(X, 'c@host')
    news.lostBy(X, 'never@host')
    news.lostBy(Y, 'c@host')
    expect(later()).toEqual([`${X} +c@host`])
  })

  it('say of a node that went and came in one breath that it came anew', () => {
    news.listen(link(X))
    news.up('c@host', 'seeking')
    later()
    news.down('c@host')
    news.up('c@host', 'seeking')
    expect(later()).toEqual([`${X} +c@host -c@host`])
  })

  it('do not mention one that came and went in one breath', () => {
    news.listen(link(X))
    news.up('c@host', 'seeking')
    news.down('c@host')
    expect(later()).toEqual([])
  })

  it('wait for a peer that does not read', () => {
    full = true
    news.up('c@host', 'seeking')
    news.listen(link(X))
    news.up('d@host', 'seeking')
    expect(later(10_000)).toEqual([])
    full = false
    expect(later(1_000)).toEqual([`${X} +c@host +d@host`])
    expect(clock.pending).toBe(0)
  })

  it('end with their listener, and with the node', () => {
    news.listen(link(X))
    news.listen(link(Y))
    news.down(Y)
    news.up('c@host', 'seeking')
    expect(later()).toEqual([`${X} +c@host`])
    news.up('d@host', 'seeking')
    news.close()
    expect([later(), clock.pending]).toEqual([[], 0])
  })
})
