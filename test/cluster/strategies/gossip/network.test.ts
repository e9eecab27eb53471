import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { OsProcess } from '../../../support/os-process.ts'
import { describeSkipped, describeTools } from '../../../support/tools.ts'

const cluster = new URL('../../../../dist/cluster/index.js', import.meta.url).href
const testing = new URL('../../../../dist/testing/index.js', import.meta.url).href

/** Two nodes that gossip in a network of their own. A line on standard input is a state of its only interface. */
const PROGRAM = `
import { execFileSync } from 'node:child_process'
import { createInterface } from 'node:readline'
const { gossip } = await import(${JSON.stringify(cluster)})
const { strategyContext } = await import(${JSON.stringify(testing)})
const clock = {
  now: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms)
    return { cancel: () => clearTimeout(timer) }
  },
}
async function run(self) {
  const options = { interface: '127.0.0.1', interval: 50, silentIntervals: 1000 }
  for await (const { nodes, errors } of gossip(options).watch(strategyContext({ self, clock }))) {
    console.log(self, nodes.join() || 'nobody', errors.map(({ message }) => message).join('; ') || 'well')
  }
}
createInterface({ input: process.stdin }).on('line', (state) => execFileSync('ip', ['link', 'set', 'lo', state]))
await Promise.all([run('a@127.0.0.1'), run('b@127.0.0.1')])
`

/** Whether this user may make networks. */
function mayUnshare(): boolean {
  try {
    execFileSync('unshare', ['--net', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const title = 'gossip while the network comes and goes'
const body = (): void => {
  it('joins the group when the network has come, says why it hears nobody while it is gone, and goes on after', async () => {
    const args = ['--net', process.execPath, '--input-type=module', '--eval', PROGRAM]
    await using nodes = new OsProcess('unshare', args, { env: process.env })
    await nodes.waitForOutput(
      /^a@127\.0\.0\.1 nobody gossip cannot join 233\.252\.1\.32: .*; gossip cannot be sent to /,
    )
    nodes.writeLine('up')
    await nodes.waitForOutput(/^a@127\.0\.0\.1 b@127\.0\.0\.1 well$/)
    await nodes.waitForOutput(/^b@127\.0\.0\.1 a@127\.0\.0\.1 well$/)
    const down = nodes.output.length
    nodes.writeLine('down')
    await nodes.waitForOutput(/^a@127\.0\.0\.1 b@127\.0\.0\.1 gossip cannot /, { from: down })
    const up = nodes.output.length
    nodes.writeLine('up')
    await nodes.waitForOutput(/^a@127\.0\.0\.1 b@127\.0\.0\.1 well$/, { from: up })
    expect(nodes.exit).toBeUndefined()
  })
}

if (mayUnshare()) describeTools(title, ['ip'], body)
else describeSkipped(title, ['the right to make network namespaces'], body)
