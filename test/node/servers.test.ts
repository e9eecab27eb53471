import { describe, expect, it } from 'vitest'
import type { LinkSender } from '../../src/dist/link-sender.ts'
import { rex } from '../../src/node/rex.ts'
import { refuseSpawn } from '../../src/node/spawn-requests.ts'
import type { From } from '../../src/process/from.ts'
import { atom, Reference, type Term, tuple } from '../../src/term/index.ts'
import { A, B, pid } from '../dist/joined-links.ts'

const from = {} as From
const self = {} as never

describe('rex', () => {
  const nodes = { visible: [A], hidden: [B], connected: [A, B], known: [A, B, 'c@host'] }
  const server = rex((kind) => nodes[kind])
  const call = (module: string, name: string, args: Term) =>
    server.handleCall?.(tuple(atom('call'), atom(module), atom(name), args, atom('user')), from, self)

  it('lists nodes, by kind and by several kinds', () => {
    const names = (list: string[]) => list.map((it) => atom(it))
    expect(call('erlang', 'nodes', [])).toEqual(names([A]))
    expect(call('erlang', 'nodes', [atom('known')])).toEqual(names([A, B, 'c@host']))
    expect(call('erlang', 'nodes', [[atom('hidden'), atom('visible'), atom('known')]])).toEqual(names([B, A, 'c@host']))
  })

  it('has no other function, as if it were not defined', () => {
    for (const [name, args] of [
      ['halt', []],
      ['nodes', [atom('this')]],
      ['nodes', [1, 2]],
    ] as [string, Term][]) {
      const undef = tuple(atom('undef'), [tuple(atom('erlang'), atom(name), args, [])])
      expect(call('erlang', name, args)).toEqual(tuple(atom('badrpc'), tuple(atom('EXIT'), undef)))
    }
  })

  it('refuses what is no call', () => {
    const badarg = tuple(atom('badrpc'), atom('badarg'))
    for (const request of [1, tuple(atom('call')), tuple(atom('call'), 'erlang', atom('nodes'), [], 1)]) {
      expect(server.handleCall?.(request, from, self)).toEqual(badarg)
    }
  })
})

describe('a request to spawn', () => {
  const asked = (options: Term): unknown[][] => {
    const replies: unknown[][] = []
    const send = { spawnReply: (...args: unknown[]) => replies.push(args) } as unknown as LinkSender
    const request = { id: new Reference(A, [1], 1), from: pid(A, 1), groupLeader: pid(A, 2), options }
    refuseSpawn(send, pid(B, 9), { ...request, module: atom('m'), function: atom('f'), arity: 0, args: [] })
    return replies
  }

  it('is answered with notsup, to the one who asked', () => {
    const answer = [[new Reference(A, [1], 1), pid(B, 9), pid(A, 1), 0, atom('notsup')]]
    for (const options of [[], atom('none'), [atom('link')], [tuple(atom('reply'), atom('yes'))]]) {
      expect(asked(options)).toEqual(answer)
    }
    expect(asked([tuple(atom('reply'), atom('error_only'))])).toEqual(answer)
  })

  it('gets no answer where none is wanted', () => {
    expect(asked([atom('link'), tuple(atom('reply'), atom('no'))])).toEqual([])
    expect(asked([tuple(atom('reply'), atom('success_only'))])).toEqual([])
  })
})
