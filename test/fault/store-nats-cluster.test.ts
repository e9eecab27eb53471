import { expect, it } from 'vitest'
import { nats } from '../../src/store/nats/index.ts'
import { Cluster } from '../node/cluster.ts'
import { NatsServer } from '../support/nats-server.ts'
import { freePort } from '../support/otp.ts'
import { describeTools } from '../support/tools.ts'

const wait = { timeout: 90_000 }

describeTools('a store on a cluster of three NATS servers', ['nats-server'], () => {
  it('loses nothing acknowledged when the server it is connected to is killed', { timeout: 240_000 }, async () => {
    const ports = await Promise.all([freePort(), freePort(), freePort()])
    const routes = ports.map((port) => `nats://127.0.0.1:${port}`).join(', ')
    const launch = (port: number): Promise<NatsServer> =>
      NatsServer.start(`
        server_name: "server${port}"
        jetstream: { store_dir: "js" }
        cluster: { name: "tests", listen: "127.0.0.1:${port}", routes: [${routes}] }`)
    const servers = await Promise.all(ports.map(launch))
    const cluster = await Cluster.create()
    try {
      const engine = nats({ servers: servers.map(({ address }) => address), noRandomize: true, replicas: 3 })
      const store = (await cluster.start('a')).store({ engine })
      await store.ready(wait)
      const acknowledged: string[] = []
      let enough = Number.POSITIVE_INFINITY
      let reached = (): void => {}
      const write = async (writer: number): Promise<void> => {
        for (let i = 0; acknowledged.length < enough; i++) {
          await store.put(`${writer} ${i}`, i, wait).then(
            () => acknowledged.push(`${writer} ${i}`),
            // Nobody knows of this one.
            (error) => expect(error.code).toBe('ERR_TIMEOUT'),
          )
          if (acknowledged.length >= 50) reached()
        }
      }
      const begun = new Promise<void>((resolve) => {
        reached = resolve
      })
      const writers = Promise.all([0, 1, 2, 3].map(write))
      await begun
      await servers[0]?.stop()
      enough = acknowledged.length + 100
      await writers
      const late = (await cluster.start('b')).store({ engine })
      await late.ready(wait)
      expect(acknowledged.filter((key) => !late.has(key))).toEqual([])
    } finally {
      await cluster[Symbol.asyncDispose]()
      await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()))
    }
  })
})
