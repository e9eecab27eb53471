import { describe, expect, it } from 'vitest'
import { ClusterModel } from '../../src/observe/cluster-model.ts'
import { OddPairs } from '../../src/observe/odd-pairs.ts'
import { lasting, VerdictWriter } from '../../src/observe/verdict.ts'
import { type LinkOf, makeReport } from './made-report.ts'

const HOUR = 3_600_000

/** A cluster by what its nodes say; each is given the peers it is connected to, and others with their states. */
class Stage {
  now = 1_000_000
  readonly model = new ClusterModel('a@h', this.now)
  readonly pairs = new OddPairs()
  readonly verdicts = new VerdictWriter()

  tells(name: string, links: readonly (string | LinkOf)[], more: Parameters<typeof makeReport>[2] = {}): void {
    const all = links.map((link) => (typeof link === 'string' ? { to: link } : link))
    const known = name === 'a@h' ? this.model.self : this.model.find(name)
    known?.take(makeReport(name, all, { at: this.now, ...more }), this.now)
    this.model.update(this.now)
  }

  /** All nodes see each other. */
  full(...names: string[]): void {
    for (const name of names)
      this.tells(
        name,
        names.filter((other) => other !== name),
      )
  }

  verdict() {
    this.model.update(this.now)
    this.pairs.update(this.model, this.now)
    return this.verdicts.write(this.model, this.pairs.pairs, this.now)
  }
}

describe('the verdict', () => {
  it('is that all is well, and since when', () => {
    const stage = new Stage()
    stage.full('a@h', 'b@h', 'c@h')
    expect(stage.verdict()).toMatchObject({ level: 'good', text: '3 nodes, fully connected', problems: [] })
    stage.now += 3 * HOUR
    stage.full('a@h', 'b@h', 'c@h')
    expect(stage.verdict().sentence).toBe('3 nodes, fully connected, stable for 3 h')
    stage.full('a@h', 'b@h', 'c@h', 'd@h')
    stage.full('a@h', 'b@h', 'c@h', 'd@h')
    expect(stage.verdict()).toMatchObject({
      sentence: '4 nodes, fully connected, stable for less than a minute',
      since: stage.now,
    })
  })

  it('is that a node is alone', () => {
    const stage = new Stage()
    stage.tells('a@h', [])
    expect(stage.verdict().text).toBe('1 node, alone')
  })

  it('names who does not see whom, since when, once it has stayed so', () => {
    const stage = new Stage()
    stage.full('a@h', 'b@h', 'c@h')
    stage.verdict()
    stage.now += HOUR
    const began = stage.now
    const partition = (): void => {
      stage.tells('a@h', ['b@h', 'c@h'])
      stage.tells('b@h', ['a@h', { to: 'c@h', state: 'waiting', wantedBy: ['mesh'] }])
      stage.tells('c@h', ['a@h', { to: 'b@h', state: 'connecting', wantedBy: ['mesh'] }])
    }
    partition()
    expect(stage.verdict().level).toBe('good')
    stage.now += 3000
    partition()
    const verdict = stage.verdict()
    expect(verdict).toMatchObject({ level: 'alarm', text: 'b@h does not see c@h', since: began })
    expect(verdict.sentence).toMatch(/^b@h does not see c@h since \d\d:\d\d:\d\d$/)
    expect(verdict.problems.map(({ text }) => text)).toEqual(['b@h does not see c@h', 'c@h does not see b@h'])
    expect(stage.pairs.pairs).toMatchObject([{ kind: 'missing' }, { kind: 'missing' }])
    stage.now += 1000
    stage.full('a@h', 'b@h', 'c@h')
    expect(stage.verdict()).toMatchObject({ level: 'good', since: stage.now })
  })

  it('tells a link that only one end has from one that is not there', () => {
    const stage = new Stage()
    const half = (): void => {
      stage.tells('a@h', ['b@h', 'c@h'])
      stage.tells('b@h', ['a@h', 'c@h'])
      stage.tells('c@h', ['a@h'])
    }
    half()
    half()
    stage.verdict()
    stage.now += 3000
    half()
    stage.verdict()
    expect(stage.pairs.pairs).toMatchObject([{ kind: 'asymmetric', from: 'c@h', to: 'b@h' }])
  })

  it('is no alarm for who was disconnected by hand, nor for a mesh that is none', () => {
    const stage = new Stage()
    for (let i = 0; i < 3; i++) {
      stage.tells('a@h', ['b@h', 'c@h'])
      stage.tells('b@h', ['a@h', { to: 'c@h', state: 'barred' }])
      stage.tells('c@h', ['a@h'])
      stage.verdict()
      stage.now += 3000
    }
    expect(stage.verdict()).toMatchObject({ level: 'good', text: '3 nodes, connected, not each with each' })
  })

  it('names who is wanted and down, why, and what else is wrong', () => {
    const stage = new Stage()
    const error = { code: 'ERR_CONNECT_REFUSED', reason: 'nobody listens', at: null }
    const down: LinkOf = { to: 'b@h', state: 'waiting', wantedBy: ['connectTo'], error }
    stage.tells('a@h', [down, { to: 'c@h', full: true }])
    stage.tells('c@h', ['a@h'], { loopDelay: 400, expires: stage.now + HOUR })
    const verdict = stage.verdict()
    expect(verdict.level).toBe('warning')
    expect(verdict.problems.map(({ text }) => text)).toEqual([
      'b@h is not connected: nobody listens',
      'the link from a@h to c@h is full',
      'the event loop of c@h is slow',
      'the certificate CN=c@h of c@h expires soon',
    ])
    stage.now += 2 * HOUR
    stage.tells('c@h', ['a@h'], { expires: stage.now - HOUR })
    expect(stage.verdict()).toMatchObject({ level: 'alarm', text: 'the certificate CN=c@h of c@h has expired' })
  })

  it('names who is wanted by others and down, too', () => {
    const stage = new Stage()
    const error = { code: 'ERR_CONNECT_COOKIE', reason: 'another cookie', at: null }
    stage.full('a@h', 'b@h')
    stage.tells('b@h', ['a@h', { to: 'z@h', state: 'connecting', wantedBy: ['topology:app'], error }])
    expect(stage.verdict()).toMatchObject({ level: 'warning', text: 'z@h is not connected: another cookie' })
    stage.tells('b@h', ['a@h'])
    expect(stage.verdict()).toMatchObject({ level: 'good', text: '2 nodes, fully connected' })
  })

  it('names who is gone and missed by nobody, until they are forgotten', () => {
    const stage = new Stage()
    stage.full('a@h', 'b@h', 'c@h', 'd@h')
    stage.verdict()
    stage.now += HOUR
    const began = stage.now
    stage.full('a@h', 'b@h', 'd@h')
    expect(stage.verdict()).toMatchObject({ level: 'good', text: '3 nodes, fully connected, c@h gone', since: began })
    stage.full('a@h', 'b@h')
    expect(stage.verdict().text).toBe('2 nodes, fully connected, 2 nodes gone')
    stage.full('a@h', 'b@h', 'd@h')
    expect(stage.verdict().text).toBe('3 nodes, fully connected, c@h gone')
    stage.now += HOUR
    stage.full('a@h', 'b@h', 'd@h')
    expect(stage.verdict()).toMatchObject({ text: '3 nodes, fully connected', since: began })
  })

  it('does not count visitors', () => {
    const stage = new Stage()
    stage.full('a@h', 'b@h')
    stage.verdict()
    const { since } = stage.verdict()
    stage.now += HOUR
    stage.tells('a@h', ['b@h', 'guest@h'])
    expect(stage.verdict()).toMatchObject({ text: '2 nodes, fully connected', since })
    stage.tells('guest@h', ['a@h'], { listening: false })
    expect(stage.verdict()).toMatchObject({ text: '2 nodes, fully connected', since })
  })

  it('forgets nodes that have been gone for ten minutes', () => {
    const stage = new Stage()
    stage.full('a@h', 'b@h')
    stage.tells('a@h', [])
    expect(stage.model.find('b@h')).toMatchObject({ state: 'down', sees: undefined })
    stage.now += 11 * 60_000
    stage.tells('a@h', [])
    expect(stage.model.size).toBe(1)
  })

  it.each([
    [59_000, 'less than a minute'],
    [60_000, '1 min'],
    [119 * 60_000, '119 min'],
    [2 * HOUR, '2 h'],
    [47 * HOUR, '47 h'],
    [49 * HOUR, '2 days'],
  ])('says %i ms as %s', (ms, text) => {
    expect(lasting(ms)).toBe(text)
  })
})
