import { describe, expect, it } from 'vitest'
import { netKernel } from '../../src/node/net-kernel.ts'
import type { From } from '../../src/process/from.ts'
import { atom, type Term, tuple } from '../../src/term/index.ts'

const ask = (request: Term, longNames = true, netTickTime = 60_000) =>
  netKernel(longNames, netTickTime).handleCall?.(request, {} as From, undefined as never)

describe('net_kernel', () => {
  it('says yes to is_auth, which is a ping', () => {
    expect(ask(tuple(atom('is_auth'), atom('a@host')))).toBe(atom('yes'))
  })

  it('says whether names are long', () => {
    expect([ask(atom('longnames')), ask(atom('longnames'), false)]).toEqual([true, false])
  })

  it('says its tick time, in milliseconds', () => {
    expect([ask(atom('ticktime')), ask(atom('ticktime'), true, 2500.4)]).toEqual([60_000, 2500])
    expect(ask(atom('ticktime'), true, Number.POSITIVE_INFINITY)).toBe(atom('ignored'))
  })

  it.each(['spawn', 'spawn_link', 'spawn_opt'])('fails %s as a real one does that cannot', (kind) => {
    const request = tuple(atom(kind), atom('erlang'), atom('node'), [], atom('user'))
    expect(ask(request)).toEqual(tuple(atom('EXIT'), tuple(atom('notsup'), [])))
  })

  it.each<[string, Term]>([
    ['disconnect', tuple(atom('disconnect'), atom('a@host'))],
    ['connect', tuple(atom('connect'), atom('normal'), atom('a@host'))],
    ['allow', tuple(atom('allow'), [atom('a@host')])],
    ['monitor_nodes', tuple(atom('monitor_nodes'), true, [])],
    ['an atom', atom('is_auth')],
    ['a number', 5],
    ['a list', []],
    ['an empty tuple', tuple()],
  ])('refuses all else at once: %s', (_what, request) => {
    expect(ask(request)).toEqual(tuple(atom('error'), atom('not_supported')))
  })
})
