import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { diagnose } from '../../src/cluster/index.ts'
import { Cluster } from '../node/cluster.ts'

const ample = { timeout: 60_000 }

describe('diagnose', () => {
  it('finds nothing wrong with a node of this package, also when there is a link already', async () => {
    await using cluster = await Cluster.create()
    const [a, b] = [await cluster.start('a'), await cluster.start('b')]
    for (let time = 0; time < 2; time++) {
      const { node, healthy, checks } = await diagnose(a, b.name, ample)
      expect({ node, healthy }).toEqual({ node: b.name, healthy: true })
      expect(checks.filter(({ status }) => status === 'failed')).toEqual([])
      expect(a.nodes()).toEqual([b.name])
    }
  })

  it('tells an unknown host, and itself', async () => {
    await using cluster = await Cluster.create()
    const a = await cluster.start('a')
    const unknown = await diagnose(a, 'b@no-such-host.invalid', ample)
    expect(unknown.checks.find(({ status }) => status === 'failed')).toMatchObject({
      step: 'host',
      code: 'ERR_CONNECT_HOST',
    })
    const self = await diagnose(a, a.name, ample)
    expect(self.checks[0]).toMatchObject({ step: 'names', status: 'failed', code: 'ERR_CONNECT_SELF' })
    expect(self.checks[1]).toMatchObject({ status: 'skipped', message: 'not looked at, because of: names' })
  })

  it('tells that this side does not allow the other', async () => {
    await using cluster = await Cluster.create()
    const [a, b] = [await cluster.start('a', { allow: ['c@127.0.0.1'] }), await cluster.start('b')]
    const { checks } = await diagnose(a, b.name, ample)
    const check = checks.find(({ status }) => status === 'failed')
    expect(check).toMatchObject({ step: 'allowed', code: 'ERR_CONNECT_NOT_ALLOWED' })
    expect(check?.message).toContain('among the nodes this one may connect to')
  })

  it('ends with the signal or the time, and refuses what it cannot use', async () => {
    await using cluster = await Cluster.create()
    const a = await cluster.start('a')
    // It accepts connections and says nothing.
    const silent = createServer((socket) => socket.on('error', () => {}))
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const name = `b@127.0.0.1:${(silent.address() as { port: number }).port}`
    await expect(diagnose(a, name, { timeout: 50 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    const controller = new AbortController()
    const diagnosis = diagnose(a, name, { ...ample, signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(diagnosis).rejects.toThrow('enough')
    silent.close()
    await expect(diagnose(a, 'nohost')).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION' })
    await expect(diagnose({} as never, 'a@b.c')).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION', option: 'node' })
    await a.close()
    await expect(diagnose(a, name, ample)).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  })
})
