import { expect, it } from 'vitest'
import { silentLogger } from '../../src/base/logger.ts'
import { mesh } from '../../src/store/engines/mesh.ts'
import { atom, isTuple, tuple } from '../../src/term/index.ts'
import { startNode } from '../../src/tsunagi.ts'

const MOST = 10_000

it('others may have 10,000 watches of a store at once, and the next one is told so', { timeout: 120_000 }, async () => {
  const shared = { cookie: 'c', epmd: false, mesh: false, logger: silentLogger } as const
  await using node = await startNode({ name: 'watched@127.0.0.1', ...shared })
  await using guest = await startNode({ name: 'watcher@127.0.0.1', listen: false, ...shared })
  node.store({ name: 'kv', engine: mesh() })
  await guest.connect(`${node.name}:${node.listening?.port}`)
  const watch = () => guest.call({ name: 'kv', node: node.name }, atom('watch'), { timeout: 60_000 })
  const answers = await Promise.all(Array.from({ length: MOST }, watch))
  expect(answers.filter((it) => isTuple(it) && it[0] === atom('ok'))).toHaveLength(MOST)
  expect(await watch()).toEqual(tuple(atom('error'), tuple(atom('ERR_LIMIT'), `there are ${MOST} watches already`)))
})
