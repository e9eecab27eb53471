import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Folder } from '../config/folder.ts'
import { freePort } from '../support/otp.ts'
import { Home, launch, runCommand } from './support.ts'

describe('tsunagi start --config', () => {
  it('starts the node of the file, and arguments count more than the environment, and that more than the file', async () => {
    using home = new Home()
    const epmdPort = await freePort()
    const options = { name: 'f@127.0.0.1', cookie: 'filed', visible: true, epmd: { serve: true } }
    using folder = new Folder({ 'tsunagi.config.json': JSON.stringify(options) })
    const file = join(folder.path, 'tsunagi.config.json')
    await using fromFile = launch(home, ['start', '--config', file], { epmdPort })
    await fromFile.waitForOutput(/^config/)
    expect(fromFile.output.join('\n')).toMatch(/^node +f@127\.0\.0\.1 \(visible\)$/m)
    expect(fromFile.output.join('\n')).toContain(`from ${file}`)
    expect(fromFile.output.join('\n')).not.toContain('filed')
    const env = { TSUNAGI_CONFIG: file, TSUNAGI_NAME: 'e@127.0.0.1', TSUNAGI_VISIBLE: 'false', TSUNAGI_COOKIE: 'other' }
    await using fromEnvironment = launch(home, ['start'], { epmdPort, env })
    await fromEnvironment.waitForOutput(/^node +e@127\.0\.0\.1 \(hidden\)$/)
    await using fromArguments = launch(home, ['start', '--sname', 's@localhost', '--visible', '--json'], {
      epmdPort,
      env,
    })
    expect(JSON.parse(await fromArguments.waitForOutput(/"started"/))).toMatchObject({
      name: 's@localhost',
      nodeType: 'visible',
      cookie: 'environment',
      config: file,
    })
    const hidden = ['start', '--config', file, '--name', 'h@127.0.0.1', '--hidden']
    await using asHidden = launch(home, hidden, { epmdPort })
    await asHidden.waitForOutput(/^node +h@127\.0\.0\.1 \(hidden\)$/)
  })

  it('ends with 2 and names the file when it cannot be used', async () => {
    using folder = new Folder({ 'x.json': '{ "netTickTime": -1 }' })
    const file = join(folder.path, 'x.json')
    const { code, text } = await runCommand(['start', '--config', file])
    expect(code).toBe(2)
    expect(text).toContain(`${file}: netTickTime: expected milliseconds`)
  })
})
