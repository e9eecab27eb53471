import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { atom, tuple } from '../../src/term/index.ts'
import { describeOtp } from '../support/releases.ts'
import { nextEvent, openProcess, Scene, sees } from '../support/scene.ts'
import { TlsAuthority } from './support/tls-authority.ts'

const quick = { setupTimeout: 5000, mesh: false, binaries: 'bytes' } as const

describeOtp('TLS', (release) => {
  let authority: TlsAuthority
  beforeAll(() => {
    authority = new TlsAuthority(release)
  })
  afterAll(() => authority?.[Symbol.dispose]())

  describe.each(['1.2', '1.3'])('version %s', (version) => {
    const versions = `{versions,['tlsv${version}']}`

    it.each(['we dial', 'it dials'])('connects a real node, mutually verified, where %s', async (who) => {
      await using scene = await Scene.open(release)
      const erl = await scene.erl({ args: authority.args({ server: [versions], client: [versions] }) })
      const node = await scene.node({ ...quick, tls: authority.options() })
      const up = nextEvent(node, 'nodeup', erl.name)
      if (who === 'we dial') await node.connect(erl.name)
      else expect(await erl.eval(`net_kernel:connect_node('${node.name}')`)).toBe('true')
      await up
      const [link] = node.links()
      expect(link?.tls).toMatchObject({ protocol: `TLSv${version}`, verified: true, peer: { subject: 'CN=node' } })
      expect(await node.ping(erl.name)).toBe('pong')
      expect(await erl.eval(`net_adm:ping('${node.name}')`)).toBe('pong')
      const self = await openProcess(node, { name: 'inbox' })
      await erl.eval(`{inbox, '${node.name}'} ! {big, binary:copy(<<255>>, 3000000)}`)
      const got = (await self.receive()) as unknown as [unknown, Uint8Array]
      expect(got[1].length).toBe(3_000_000)
      await erl.eval('register(echo, spawn(fun E() -> receive {P, M} -> P ! M, E() end end))')
      const bytes = Buffer.alloc(5_000_000, 7)
      self.send({ name: 'echo', node: erl.name }, tuple(self.pid, bytes))
      expect(Buffer.compare((await self.receive()) as Buffer, bytes)).toBe(0)
      expect(await node.rpc(erl.name, 'erlang', 'node')).toBe(atom(erl.name))
      const down = nextEvent(node, 'nodedown', erl.name)
      await erl.eval(`erlang:disconnect_node('${node.name}')`)
      expect((await down)[1].reason).toBe('connection_closed')
      await sees(erl, 'nodes(connected)', '[]')
    })
  })
})
