import { expect, it } from 'vitest'
import { defaultLimits } from '../../src/base/limits.ts'
import { Inbound } from '../../src/node/inbound.ts'
import { atom, Pid, Reference } from '../../src/term/index.ts'
import { FakeNetwork } from '../process/network.ts'

it('a signal in the name of a process that is not of the peer throws, which ends the link', () => {
  const network = new FakeNetwork()
  const { system } = network.node('a@host')
  const inbound = new Inbound(atom('b@host'), system.inbound, () => {}, defaultLimits)
  const own = system.pid
  const ref = new Reference('b@host', [1, 2, 3], 7)
  const why = atom('why')
  const attempts = (from: Pid) => [
    () => inbound.link(from, own),
    () => inbound.unlink(1, from, own),
    () => inbound.unlinkAck(1, from, own),
    () => inbound.exit(from, own, why, 1),
    () => inbound.exit2(from, own, why, 1),
    () => inbound.monitor(from, own, ref),
    () => inbound.demonitor(from, own, ref),
    () => inbound.monitorExit(from, own, ref, why),
  ]
  const refused = expect.objectContaining({ code: 'ERR_PROTOCOL', message: expect.stringContaining('not of b@host') })
  for (const forged of attempts(new Pid('c@host', 1, 0, 7))) expect(forged).toThrow(refused)
  for (const honest of attempts(new Pid('b@host', 1, 0, 7))) expect(honest).not.toThrow()
  expect(system.counts.peers).toBe(1)
})
