import { expect, it } from 'vitest'
import { definitionTerm } from '../../../src/store/functions/definition.ts'
import { FUNCTION_PREFIX } from '../../../src/store/functions/store-functions.ts'
import { Cluster, errorOf, gate, type Member } from './support.ts'

const everyone = { from: ['a@host', 'b@host'] }

function two(): { cluster: Cluster; a: Member; b: Member } {
  const cluster = new Cluster()
  return { cluster, a: cluster.join('a@host', everyone), b: cluster.join('b@host', everyone) }
}

it('only definitions under their own names are admitted', async () => {
  const { cluster, a, b } = two()
  await using _ = cluster
  await b.functions.define('f', '() => 1')
  const value = cluster.log[0]
  await expect(a.store.admit({ kind: 'put', key: `${FUNCTION_PREFIX}f`, value }, 'b@host')).resolves.toBe(undefined)
  for (const put of [
    { key: `${FUNCTION_PREFIX}g`, value },
    { key: `${FUNCTION_PREFIX}f`, value: 'f' },
    { key: `${FUNCTION_PREFIX}f`, value: [] },
  ]) {
    expect(await errorOf(() => a.store.admit({ kind: 'put', ...put }, 'b@host'))).toMatchObject({
      code: 'ERR_FUNCTION_REFUSED',
    })
  }
})

it('an entry that is no definition takes the function away, and is logged', async () => {
  const { cluster, a, b } = two()
  await using _ = cluster
  await a.functions.define('f', '() => 1')
  await cluster.order(b, `${FUNCTION_PREFIX}f`, 'not a function')
  expect(b.functions.has('f')).toBe(false)
  expect(b.warnings).toEqual(['the function "f", from a@host, is no definition'])
})

it('changes of other keys are left to others', async () => {
  const { cluster, a } = two()
  await using _ = cluster
  expect(() => a.apply('f', undefined, 'a@host')).toThrow(/no function's/)
})

it('what the engine had before it was attached is installed, if its submitter is listed', async () => {
  const { cluster, a } = two()
  await using _ = cluster
  await a.functions.define('f', '() => 1')
  const restarted = new Cluster()
  await using _restarted = restarted
  const [key, entry] = [...a.entries][0]!
  for (const [name, options] of [
    ['b@host', everyone],
    ['c@host', { from: ['b@host'] }],
  ] as const) {
    const member = restarted.join(name, options)
    member.entries.set(key, entry)
    member.store.attach({ entries: () => member.entries } as never)
  }
  const [trusting, strict] = restarted.members
  expect(await trusting!.functions.run('f', [])).toBe(1)
  expect(await errorOf(() => strict!.functions.run('f', []))).toMatchObject({ code: 'ERR_FUNCTION_REFUSED' })
})

it('versions that come at once end with the highest, wherever they come from', async () => {
  const { cluster, a, b } = two()
  await using _ = cluster
  const versions = [3, 1, 5, 2, 4]
  const outcomes = await Promise.allSettled(
    versions.map((version, i) => (i % 2 === 0 ? a : b).functions.define('f', { source: `() => ${version}`, version })),
  )
  expect(outcomes[versions.indexOf(5)]?.status).toBe('fulfilled')
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'ERR_FUNCTION_REFUSED' })
  }
  for (const { functions } of cluster.members) expect(await functions.run('f', [])).toBe(5)
})

it('a node that lags behind waits until it has what another has defined, and runs that', async () => {
  const { cluster, a, b } = two()
  await using _ = cluster
  const { promise, resolve } = gate<void>()
  b.lag = promise
  await a.functions.define('f', { source: '() => "of a"', version: 1 })
  const called = b.functions.call('f', [], () => '() => "of b"')
  const defined = b.functions.define('f', { source: '() => 2', version: 2 })
  // Both have been told that there is a version by now.
  await new Promise(setImmediate)
  resolve(undefined)
  expect(await called).toBe('of a')
  expect(await defined).toMatchObject({ version: 2 })
  expect(await a.functions.run('f', [])).toBe(2)
})

it('a node that never gets it gives up in time', async () => {
  const { cluster, a, b } = two()
  await using _ = cluster
  b.lag = new Promise(() => {})
  await a.functions.define('f', '() => 1')
  const call = errorOf(() => b.functions.call('f', [], () => '() => 2', { timeout: 100 }))
  await expect.poll(() => b.clock.pending).toBe(1)
  b.clock.advance(100)
  expect(await call).toMatchObject({ code: 'ERR_TIMEOUT' })
})

it('what the loader refuses is a refused function to who defines it', async () => {
  const cluster = new Cluster()
  await using _ = cluster
  cluster.join('a@host', { from: [] })
  const b = cluster.join('b@host', everyone)
  const error = await errorOf(() => b.functions.define('f', '() => 1'))
  expect(error).toMatchObject({ code: 'ERR_FUNCTION_REFUSED', function: 'f', cause: { code: 'ERR_STORE_REFUSED' } })
  expect(definitionTerm({ name: 'f', hash: 'h', source: 's', version: 1, submitter: 'b@host' })).toHaveLength(5)
})
