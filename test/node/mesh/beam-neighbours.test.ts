import { beforeEach, describe, expect, it } from 'vitest'
import { TsunagiError } from '../../../src/base/errors.ts'
import { MANDATORY_26, ourFlags } from '../../../src/dist/flags.ts'
import type { Link } from '../../../src/dist/link.ts'
import { type AskErlang, BeamNeighbours, DOUBT, SETTLE } from '../../../src/node/mesh/beam-neighbours.ts'
import type { LearnedNames } from '../../../src/node/mesh/learned-names.ts'
import { Marks } from '../../../src/node/mesh/marks.ts'
import { type Atom, atom, type Term, tuple } from '../../../src/term/index.ts'
import { FakeClock } from '../../../src/testing/fake-clock.ts'
import { settle } from '../../dist/joined-links.ts'

const REFRESH = 5_000
const ONE = 'one@host'

let clock: FakeClock
let events: string[]
let questions: string[]
/** What the node asked says; a thrown error is a call that failed. */
let answer: (name: string, args: readonly Term[]) => Term
let marked: Set<string>
let neighbours: BeamNeighbours
beforeEach(() => {
  clock = new FakeClock()
  events = []
  questions = []
  marked = new Set()
  const reported = new Set<string>()
  const learned = {
    has: (reporter: string, name: string) => reported.has(`${reporter} ${name}`),
    add: (reporter: string, name: string, manner: string) => {
      reported.add(`${reporter} ${name}`)
      events.push(`+${name} ${manner}`)
    },
    remove: (reporter: string, name: string) => {
      if (reported.delete(`${reporter} ${name}`)) events.push(`-${name}`)
    },
  } as unknown as LearnedNames
  const ask: AskErlang = async (peer, name, args) => {
    questions.push(`${peer.name} ${name}/${args.length}`)
    return answer(name, args)
  }
  const marks = new Marks(clock, REFRESH, async (name) => marked.has(name))
  neighbours = new BeamNeighbours(clock, REFRESH, ask, learned, marks)
})

const link = (name: string, flags = ourFlags()): Link => ({ peer: atom(name), flags }) as unknown as Link

/** An entry of `erlang:nodes/2`. */
function entry(name: string, type: 'visible' | 'hidden', connection = 1): Term {
  return tuple(atom(name), { node_type: atom(type), connection_id: connection })
}

async function pass(ms: number): Promise<string[]> {
  clock.advance(ms)
  await settle(2)
  return events.splice(0)
}

describe('a BEAM neighbour', () => {
  it('is asked soon after it came, after others came, and every so often', async () => {
    answer = () => []
    neighbours.up(link(ONE), false)
    await pass(SETTLE - 1)
    expect(questions).toEqual([])
    await pass(1)
    expect(questions.splice(0)).toEqual([`${ONE} nodes/2`])
    await pass(1_000)
    neighbours.up(link('two@host'), false)
    neighbours.up(link('three@host'), false)
    await pass(SETTLE)
    expect(questions.splice(0)).toEqual([`${ONE} nodes/2`, 'two@host nodes/2', 'three@host nodes/2'])
    await pass(REFRESH - 1)
    expect(questions).toEqual([])
    await pass(1)
    expect(questions).toHaveLength(3)
  })

  it('is left time to say that it is one of ours, if it could be', async () => {
    answer = () => []
    neighbours.up(link(ONE), true)
    neighbours.up(link('two@host'), true)
    neighbours.up(link('beam@host'), false)
    await pass(SETTLE)
    expect(questions.splice(0)).toEqual(['beam@host nodes/2'])
    neighbours.drop(atom(ONE))
    await pass(DOUBT - SETTLE)
    expect(questions.splice(0)).toEqual(['two@host nodes/2', 'beam@host nodes/2'])
    await pass(REFRESH)
    expect(questions).toHaveLength(2)
  })

  it('tells of visible nodes, and of hidden ones when they are marked as ours', async () => {
    marked.add('ours@host')
    answer = () => [entry('v@host', 'visible'), entry('ours@host', 'hidden'), entry('shell@host', 'hidden')]
    neighbours.up(link(ONE), false)
    expect(await pass(SETTLE)).toEqual(['+v@host sought', '+ours@host seeking'])
    expect(await pass(REFRESH)).toEqual([])
    answer = () => [entry('ours@host', 'hidden')]
    expect(await pass(REFRESH)).toEqual(['-v@host'])
  })

  it('tells by the number of a connection that a node was gone meanwhile', async () => {
    answer = () => [entry('v@host', 'visible', 7)]
    neighbours.up(link(ONE), false)
    await pass(SETTLE)
    answer = () => [entry('v@host', 'visible', 8)]
    expect(await pass(REFRESH)).toEqual(['-v@host', '+v@host sought'])
  })

  it('says the same to a node that decodes maps as Map', async () => {
    const info = new Map<Term, Term>([
      [atom('connection_id'), 1],
      [atom('node_type'), atom('visible')],
    ])
    answer = () => [tuple(atom('v@host'), info)]
    neighbours.up(link(ONE), false)
    expect(await pass(SETTLE)).toEqual(['+v@host sought'])
  })

  it('may be too old for erlang:nodes/2', async () => {
    marked.add('ours@host')
    answer = (_name, [kind, info]) => {
      if (info !== undefined) throw new TsunagiError('ERR_RPC_UNDEF', 'undef')
      return kind === atom('visible') ? [atom('v@host')] : [atom('ours@host'), atom('shell@host')]
    }
    neighbours.up(link(ONE), false)
    expect(await pass(SETTLE)).toEqual(['+v@host sought', '+ours@host seeking'])
  })

  it('is taken by its last answer when it gives none', async () => {
    answer = () => [entry('v@host', 'visible')]
    neighbours.up(link(ONE), false)
    await pass(SETTLE)
    answer = () => {
      throw new Error('timeout')
    }
    questions = []
    expect(await pass(REFRESH)).toEqual([])
    // Once: where the link is gone, a second question would dial.
    expect(questions).toEqual([`${ONE} nodes/2`])
  })

  it.each<[string, Term]>([
    ['a number', 5],
    ['an improper entry', [5, tuple(), tuple(atom('v@host')), tuple(5, {}), tuple(atom('nonsense'), {})]],
    ['info that is none', [tuple(atom('v@host'), 5), tuple(atom('w@host'), null), tuple(atom('x@host'), [])]],
    ['a name that is text', [tuple('v@host', { node_type: atom('visible') })]],
  ])('tells nothing by what is no answer: %s', async (_what, value) => {
    answer = () => value
    neighbours.up(link(ONE), false)
    expect(await pass(SETTLE)).toEqual([])
  })

  it('is not asked when it cannot spawn, as C and Java nodes', async () => {
    neighbours.up(link('c@host', MANDATORY_26), false)
    await pass(REFRESH)
    expect([questions, clock.pending]).toEqual([[], 0])
  })

  it('is not asked again when it turned out to be one of ours, nor taken at its word when it is gone', async () => {
    let say: (value: Term) => void = () => {}
    const late = new Promise<Term>((resolve) => {
      say = resolve
    })
    answer = () => late as unknown as Term
    neighbours.up(link(ONE), false)
    await pass(SETTLE)
    neighbours.drop(atom(ONE) as Atom)
    say([entry('v@host', 'visible')])
    expect(await pass(REFRESH)).toEqual([])
    expect([questions.length, clock.pending]).toEqual([1, 0])
  })
})
