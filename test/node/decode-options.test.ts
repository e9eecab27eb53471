import { expect, test } from 'vitest'
import { atom, Float, type Term } from '../../src/term/index.ts'
import { startNode } from '../../src/tsunagi.ts'
import { freePort } from '../support/otp.ts'

test('a process and a call say how what reaches them is decoded', async () => {
  const epmd = { port: await freePort() }
  const cookie = 'decode'
  const a = await startNode({ name: 'decode-a@127.0.0.1', cookie, epmd })
  const b = await startNode({ name: 'decode-b@127.0.0.1', cookie, epmd, connectTo: a.name })
  try {
    await b.ready()
    const received = new Promise<Term>((resolve) => {
      a.spawn(async (self) => resolve(await self.receive()), {
        name: 'exact',
        terms: { binaries: 'bytes', floats: 'exact', maps: 'map' },
      })
    })
    b.send({ name: 'exact', node: a.name }, [{ text: 'x' }, new Float(2)])
    expect(await received).toEqual([new Map([[atom('text'), bytes('x')]]), new Float(2)])

    await a.start({ handleCall: (request: Term) => request }, { name: 'echo' })
    const echo = { name: 'echo', node: a.name }
    expect(await b.call(echo, 'text')).toBe('text')
    expect(await b.call(echo, 'text', { terms: { binaries: 'bytes' } })).toEqual(bytes('text'))
  } finally {
    await b.close()
    await a.close()
  }
})

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
