import { describe, expect, it } from 'vitest'
import { openObservatory } from '../../src/observe/cluster-observatory.ts'
import { REPORTER } from '../../src/observe/report/report.ts'
import { atom, type Term, tuple } from '../../src/term/index.ts'
import type { TsunagiNode } from '../../src/tsunagi.ts'
import { Cluster } from '../node/cluster.ts'
import { type LinkOf, makeReport } from './made-report.ts'
import { shows } from './watching.ts'

/** A node that answers as the test likes. */
async function liar(cluster: Cluster, answer: () => Term, connectTo: string): Promise<TsunagiNode> {
  const node = await cluster.start('liar', { observable: false })
  await node.start({ handleCall: answer }, { name: REPORTER })
  await node.connect(connectTo)
  return node
}

const ok = (value: unknown): Term => tuple(atom('ok'), typeof value === 'string' ? value : JSON.stringify(value))
const made = (links: readonly LinkOf[] = []) => ({ ...makeReport('liar@127.0.0.1', links), at: Date.now() })

describe('a node that lies', () => {
  it.each<[string, Term, RegExp]>([
    ['no answer', atom('what'), /none/],
    ['a number', tuple(atom('ok'), 7), /none/],
    ['no JSON', ok('{'), /no JSON/],
    ['deep JSON', ok('['.repeat(100_000)), /no JSON/],
    ['an empty object', ok({}), /cannot be used: version/],
    ['another version', ok({ ...made(), version: 2 }), /version/],
    ['another node', ok({ ...made(), node: { ...made().node, name: 'b@127.0.0.1' } }), /another node/],
    ['times that are none', ok({ ...made(), at: 1e300 }), /at: expected/],
    ['texts that are none', ok({ ...made(), links: [{ to: { toString: 1 } }] }), /links\[0\].to: expected a text/],
    ['too long an answer', ok(`"${'x'.repeat(3 * 1024 * 1024)}"`), /too long/],
  ])('is not believed: %s', async (_what, answer, reason) => {
    await using cluster = await Cluster.create()
    const a = await cluster.start('a')
    const node = await liar(cluster, () => answer, a.name)
    await using observatory = openObservatory(a)
    const its = () => observatory.section('nodes').nodes.find((it) => it.name === node.name)
    await shows(observatory, () => its()?.answer.state === 'invalid')
    expect(its()).toMatchObject({ state: 'connected', answer: { reason: expect.stringMatching(reason) } })
    expect(observatory.section('overview').verdict).toMatchObject({ level: 'warning' })
  })

  it('gets no more room than others, whatever it tells', async () => {
    await using cluster = await Cluster.create()
    const a = await cluster.start('a')
    const long = 'x'.repeat(310)
    const links = Array.from({ length: 3000 }, (_, i): LinkOf => ({ to: `n${i}@h`, address: long, ups: 9 }))
    const event = { at: Date.now(), lastAt: Date.now(), count: 1, kind: 'store', severity: 'info', peer: null }
    const events = Array.from({ length: 500 }, (_, i) => ({
      ...event,
      id: i,
      revision: i,
      text: `${i}${long}`,
      reason: null,
    }))
    const report = { ...made(links), events, linkCount: 1e15, '<script>': 1 }
    const node = await liar(cluster, () => ok(report), a.name)
    await using observatory = openObservatory(a)
    const its = () => observatory.section('nodes').nodes.find((it) => it.name === node.name)
    await shows(observatory, () => its()?.answer.state === 'answers')
    expect(observatory.section('nodes').nodes.length).toBeLessThanOrEqual(500)
    expect(observatory.section('matrix').rows.length).toBeLessThanOrEqual(100)
    expect(observatory.section('links').links.length).toBeLessThanOrEqual(1001)
    expect(observatory.section('timeline').events.length).toBeLessThanOrEqual(201)
    expect(JSON.stringify(observatory.section('links'))).not.toContain(long.slice(0, 200))
    expect(JSON.stringify(observatory.section('links'))).not.toContain('<script>')
  })

  it('that tells of nodes that are not there makes nobody dial them', async () => {
    await using cluster = await Cluster.create()
    const a = await cluster.start('a')
    const node = await liar(cluster, () => ok(made([{ to: 'ghost@127.0.0.1' }])), a.name)
    await using observatory = openObservatory(a)
    await shows(observatory, () => observatory.section('nodes').nodes.some((it) => it.name === 'ghost@127.0.0.1'))
    expect(observatory.section('nodes').nodes.find((it) => it.name === 'ghost@127.0.0.1')).toMatchObject({
      state: 'remote',
      seenBy: [node.name],
      answer: { state: 'none' },
    })
    expect(a.nodes('known')).toEqual([node.name])
  })
})

describe('a node that is asked', () => {
  const ask = (from: TsunagiNode, to: TsunagiNode, ...request: Term[]): Promise<Term> =>
    from.call({ name: REPORTER, node: to.name }, tuple(...(request as [Term])))

  it('answers no question that is none, and none of another version', async () => {
    await using cluster = await Cluster.create()
    const [a, b] = [await cluster.start('a'), await cluster.start('b')]
    await a.connect(b.name)
    const badarg = tuple(atom('error'), atom('badarg'))
    for (const question of [
      [atom('report')],
      [atom('report'), 1, 7],
      [atom('report'), 1, '{'],
      [atom('report'), 1, '{}'],
      [atom('report'), 1, `{"parts":[],"revision":0,"watched":"yes"}`],
      [atom('report'), 1, `${' '.repeat(10_000)}{"parts":[],"revision":0,"watched":true}`],
      [atom('erase'), 1, '{}'],
      [atom('page'), 1, '{"list":"cookies"}'],
    ] as Term[][]) {
      expect(await ask(a, b, ...question)).toEqual(badarg)
    }
    expect(await ask(a, b, atom('report'), 2, '{}')).toEqual(tuple(atom('error'), atom('version')))
    expect(await ask(a, b, atom('act'), 1, '{}')).toEqual(tuple(atom('error'), atom('refused')))
  })

  it('answers a peer twenty times in a second, and then says that it is busy', async () => {
    await using cluster = await Cluster.create()
    const [a, b] = [await cluster.start('a'), await cluster.start('b')]
    await a.connect(b.name)
    const question = '{"parts":["topologies","processes","pubsubs","stores"],"revision":0,"watched":false}'
    const answers = await Promise.all(Array.from({ length: 200 }, () => ask(a, b, atom('report'), 1, question)))
    const busy = answers.filter((it) => String(it).includes('busy')).length
    expect(busy).toBeGreaterThanOrEqual(200 - 2 * 20)
    const told = answers.map(String).find((it) => it.includes('versions'))
    expect(told).toContain(b.name)
    expect(told).not.toContain(b.cookie.length > 1 ? b.cookie : '"cookie"')
  })

  it('tells nothing when it was started with observable: false', async () => {
    await using cluster = await Cluster.create()
    const a = await cluster.start('a')
    const b = await cluster.start('b', { observable: false, connectTo: a.name })
    await a.ready()
    expect(b.registered()).not.toContain(REPORTER)
    await expect(ask(a, b, atom('report'), 1, '{}')).rejects.toMatchObject({ code: 'ERR_NOPROC' })
    await using observatory = openObservatory(a)
    const its = () => observatory.section('nodes').nodes.find((it) => it.name === b.name)
    await shows(observatory, () => its()?.answer.state === 'refused')
    expect(its()).toMatchObject({ state: 'connected', memory: null })
    await using own = openObservatory(b)
    expect(own.section('overview').self).toBe(b.name)
    await expect(cluster.start('c', { observable: 'no' as never })).rejects.toMatchObject({ option: 'observable' })
    await expect(cluster.start('c', { observable: { act: true } as never })).rejects.toThrow('observable.act')
  })
})
