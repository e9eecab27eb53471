import { expect, it, vi } from 'vitest'
import { listNames } from '../../src/epmd/client.ts'
import { freePort, startEpmd } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { Scene, sees } from '../support/scene.ts'

const alive = (name: string) => name.split('@')[0] as string

/** Waits until the EPMD knows all these nodes. */
async function know(port: number, ...names: string[]): Promise<void> {
  const all = [...names].map(alive).sort()
  const check = async () => expect((await listNames({ port })).map(({ name }) => name).sort()).toEqual(all)
  await vi.waitFor(check, { timeout: 15_000, interval: 50 })
}

describeOtp('an EPMD that goes away', (release) => {
  it('costs no link, and all register again with the next one: both of them Erlang’s', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    const node = await scene.node()
    await node.connect(erl.name)
    const port = scene.epmdPort
    scene.epmd.process.kill()
    await scene.epmd.process.exited
    expect(await node.ping(erl.name)).toBe('pong')
    scene.own(await startEpmd(port))
    await know(port, erl.name, node.name)
    const late = await scene.erl()
    expect(await late.eval(`{net_adm:ping('${node.name}'), net_adm:ping('${erl.name}')}`)).toBe('{pong,pong}')
    expect(await node.ping(late.name)).toBe('pong')
  })

  it('is replaced by ours, where Erlang’s does not come back', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    const node = await scene.node({ epmd: { port: scene.epmdPort } })
    await node.connect(erl.name)
    scene.epmd.process.kill()
    await know(scene.epmdPort, erl.name, node.name)
    expect(node.servesEpmd).toBe(true)
    expect(await node.ping(erl.name)).toBe('pong')
    const late = await scene.erl()
    expect(await late.eval(`{net_adm:ping('${node.name}'), net_adm:ping('${erl.name}')}`)).toBe('{pong,pong}')
  })

  it('was ours, and is replaced by that of another node of ours', async () => {
    await using scene = await Scene.open(release)
    const epmd = { port: await freePort() }
    const first = await scene.node({ epmd })
    expect(first.servesEpmd).toBe(true)
    const erl = await scene.erl({ epmdPort: epmd.port })
    expect(await erl.eval(`net_adm:ping('${first.name}')`)).toBe('pong')
    await know(epmd.port, erl.name, first.name)
    await first.close()
    await sees(erl, 'nodes(connected)', '[]')
    const second = await scene.node({ epmd })
    expect(second.servesEpmd).toBe(true)
    await know(epmd.port, erl.name, second.name)
    expect(await second.ping(erl.name)).toBe('pong')
    expect(await erl.eval(`net_adm:ping('${second.name}')`)).toBe('pong')
  })
})
