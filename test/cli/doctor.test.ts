import { expect, it } from 'vitest'
import { describeOtp } from '../support/releases.ts'
import { Scene } from '../support/scene.ts'
import { runCommand } from './support.ts'

const ample = ['--timeout', '60000']

describeOtp('tsunagi doctor', (release) => {
  it('says that all is well and exits with 0, or what is not and what to do, with 1', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    const { epmdPort } = scene
    const well = await runCommand(['doctor', erl.name, '--cookie', 'secret', ...ample], { epmdPort })
    expect(well.code).toBe(0)
    expect(well.text).toMatch(/^ok +cookie +the two cookies are the same$/m)
    expect(well.text).toContain(`${erl.name} can be connected to.`)
    const cookie = await runCommand(['doctor', erl.name, '--cookie', 'other', ...ample], { epmdPort })
    expect(cookie.code).toBe(1)
    expect(cookie.text).toMatch(/^FAILED +cookie +/m)
    expect(cookie.text).toMatch(/^cookie: Give both nodes the same cookie/m)
    const short = await runCommand(['doctor', erl.name, '--cookie', 'secret', '--as', 'me@here', '--json'], {
      epmdPort,
    })
    expect(short.code).toBe(1)
    expect(JSON.parse(short.text)).toMatchObject({
      node: erl.name,
      healthy: false,
      checks: expect.arrayContaining([expect.objectContaining({ step: 'names', code: 'ERR_CONNECT_SPLIT_NAMES' })]),
    })
  })
})
