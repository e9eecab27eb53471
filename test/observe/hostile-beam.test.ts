import { expect, it } from 'vitest'
import { askBeam, beamNames, identifyBeam } from '../../src/observe/ask-beam.ts'
import type { AskingNode } from '../../src/observe/ask-node.ts'
import { atom, type Term, tuple } from '../../src/term/index.ts'

const options = { timeout: 1000, signal: new AbortController().signal }

/** A node that asks others, and gets these answers. */
function asker(...answers: readonly Term[]): AskingNode {
  let next = 0
  const rpc = async (): Promise<Term> => answers[next++] as Term
  return { rpc, serviceHost: { isConnected: () => true } } as unknown as AskingNode
}

it('what a node of the BEAM tells gets no more room than it needs', async () => {
  const names = Array.from({ length: 30_000 }, (_, i) => atom(`name_${i}`))
  const memory = Array.from({ length: 1000 }, (_, i) => tuple(atom(i === 0 ? '__proto__' : `kind_${i}`), 2 ** 70))
  const state = await askBeam(asker([names, names, names, -1, 'x', memory]), 'b@h', options)
  expect(state.visible).toHaveLength(1000)
  expect(state.names).toHaveLength(50)
  expect(state.nameCount).toBe(30_000)
  expect(state).toMatchObject({ processes: 0, runQueue: 0 })
  expect(Object.keys(state.memory)).toHaveLength(20)
  expect(Object.getPrototypeOf(state.memory)).toBe(Object.prototype)
  expect(await beamNames(asker([names]), 'b@h', options)).toHaveLength(20_000)
})

it('what is no text, no number and no version is none', async () => {
  const odd = [32.5, -1, 2 ** 60, 'a', 0x1f, 65]
  const long = tuple(...(Array.from({ length: 10_000 }, () => 1) as [Term]))
  const first = [odd, odd, 1e300, -1, 0, 7, long, odd, odd, [], atom('x')]
  const identity = await identifyBeam(asker(first, odd, []), 'b@h', options)
  expect(identity).toMatchObject({ runtime: 'elixir', versions: { otp: 'A', erts: 'A', elixir: 'A' }, startedAt: null })
  expect(identity.os).toEqual({ host: '', platform: '', release: '1.1.1.1.1', arch: 'A', cpus: 0, pid: 0 })
})
