// A process that writes to a store for as long as it lives, and says what was acknowledged:
// `node --import tsx writer.ts NAME COOKIE EPMD DIRECTORY MEMBER...`
import { systemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { startNode } from '../../../src/index.ts'
import { mesh } from '../../../src/store/engines/mesh.ts'
import { resolveTermOptions } from '../../../src/term/term-options.ts'

const [name = '', cookie = '', port = '', directory = '', ...members] = process.argv.slice(2)
const node = await startNode({
  name,
  cookie,
  epmd: { port: Number(port) },
  connectTo: members.filter((member) => member !== name),
  logger: silentLogger,
})
const engine = mesh().open({
  name: 'store',
  host: node,
  clock: systemClock,
  wallClock: Date.now,
  logger: silentLogger,
  terms: resolveTermOptions({}),
  observer: {},
  options: { loader: undefined, members, durability: 'majority', directory, sync: false, heartbeat: 100, lease: 1000 },
})
await engine.ready({ timeout: 60_000 })
const life = Date.now()

async function write(writer: number): Promise<void> {
  for (let i = 0; ; i++) {
    const key = `${name} ${life} ${writer} ${i}`
    try {
      await engine.submit({ kind: 'put', key, value: i, expected: 'absent' }, { timeout: 30_000 })
    } catch {
      continue
    }
    process.stdout.write(`${key}\n`)
  }
}

for (let writer = 0; writer < 20; writer++) void write(writer)
