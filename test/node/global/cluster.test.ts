import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { LocalNode } from '../../../src/node/local-node.ts'
import type { Process } from '../../../src/process/process.ts'
import { atom, equal, type Pid, type Term, tuple } from '../../../src/term/index.ts'
import { openProcess } from '../../support/scene.ts'
import { Cluster } from '../cluster.ts'

const SPLIT = { timeout: 30_000 }

let cluster: Cluster
beforeEach(async () => {
  cluster = await Cluster.create()
})
afterEach(async () => {
  await cluster[Symbol.asyncDispose]()
})

/** Waits for what happens on nodes without an event. */
async function until(check: () => void): Promise<void> {
  await vi.waitFor(check, { timeout: 20_000, interval: 10 })
}

async function start(...names: string[]): Promise<LocalNode[]> {
  const nodes: LocalNode[] = []
  for (const name of names) {
    const node = await cluster.start(name, { visible: true })
    // Without wanting to stay connected, so that a split stays one.
    if (nodes[0] !== undefined) await node.ping(nodes[0].name)
    nodes.push(node)
  }
  await meshed(nodes)
  return nodes
}

/** Waits until all are connected to all, and have the same names. */
async function meshed(nodes: readonly LocalNode[]): Promise<void> {
  await until(() => {
    for (const node of nodes) {
      expect(node.nodes().sort()).toEqual(others(nodes, node))
    }
  })
  await Promise.all(nodes.map((node) => node.global.sync({ timeout: 20_000 })))
}

function others(nodes: readonly LocalNode[], node: LocalNode): string[] {
  return nodes
    .filter((it) => it !== node)
    .map(({ name }) => name)
    .sort()
}

function has(node: LocalNode, name: Term, pid: Pid | undefined): void {
  expect(String(node.global.whereisName(name))).toBe(String(pid))
}

describe('visible nodes of this package', () => {
  test('who connects to one of them connects to all', SPLIT, async () => {
    const nodes = await start('a', 'b', 'c', 'd')
    for (const node of nodes) expect(node.nodes('visible').sort()).toEqual(others(nodes, node))
  })

  test('a name is known on all nodes when registerName resolves, and its process can be on any', SPLIT, async () => {
    const [a, b, c] = (await start('a', 'b', 'c')) as [LocalNode, LocalNode, LocalNode]
    const process = await openProcess(b)
    const name = tuple('a name', 1.5, new Map([[1, atom('x')]]))
    expect(await a.global.registerName(name, process.pid)).toBe('yes')
    for (const node of [a, b, c]) {
      has(node, name, process.pid)
      expect(node.global.registeredNames().every((it) => equal(it, name))).toBe(true)
    }
    expect(c.global.send(name, 'hello').equals(process.pid)).toBe(true)
    expect(await process.receive()).toBe('hello')
  })

  test('a name that is taken, and a second name for a process, are refused', SPLIT, async () => {
    const [a, b] = (await start('a', 'b')) as [LocalNode, LocalNode]
    const [one, two] = [await openProcess(a), await openProcess(b)]
    expect(await a.global.registerName('x', one.pid)).toBe('yes')
    expect(await b.global.registerName('x', two.pid)).toBe('no')
    expect(await b.global.registerName('y', one.pid)).toBe('no')
    expect(cluster.lines('error', 'registered under several names')).toHaveLength(1)
    expect(await b.global.reRegisterName('x', two.pid)).toBe('yes')
    has(a, 'x', two.pid)
    await a.global.unregisterName('x')
    has(b, 'x', undefined)
    expect(() => a.global.send('x', 1)).toThrow(expect.objectContaining({ code: 'ERR_NOPROC' }))
  })

  test('a name goes with its process, and with its node', SPLIT, async () => {
    const [a, b, c] = (await start('a', 'b', 'c')) as [LocalNode, LocalNode, LocalNode]
    const [one, two] = [await openProcess(a), await openProcess(b)]
    await c.global.registerName('one', one.pid)
    await c.global.registerName('two', two.pid)
    a.exit(one.pid, atom('kill'))
    has(a, 'one', undefined)
    await until(() => has(c, 'one', undefined))
    await b.close()
    await until(() => {
      for (const node of [a, c]) has(node, 'two', undefined)
    })
  })

  test('names that were there before are learned by connecting', SPLIT, async () => {
    const [a, b] = (await start('a', 'b')) as [LocalNode, LocalNode]
    const process = await openProcess(a)
    await a.global.registerName('x', process.pid)
    const c = await cluster.start('c', { visible: true, connectTo: b.name })
    await meshed([a, b, c])
    has(c, 'x', process.pid)
  })

  test('a lock excludes other requesters on every node, and is shared by equal ones', SPLIT, async () => {
    const [a, b] = (await start('a', 'b')) as [LocalNode, LocalNode]
    expect(await a.global.setLock('r', 1)).toBe(true)
    expect(await b.global.setLock('r', 2, { retries: 0 })).toBe(false)
    expect(await b.global.setLock('r', 1, { retries: 0 })).toBe(true)
    await a.global.delLock('r', 1)
    expect(await a.global.setLock('r', 2, { retries: 0 })).toBe(false)
    await b.global.delLock('r', 1)
    expect(await a.global.setLock('r', 2, { retries: 0 })).toBe(true)
  })

  test('a lock is free when the process that holds it ends, and when its node goes', SPLIT, async () => {
    const [a, b, c] = (await start('a', 'b', 'c')) as [LocalNode, LocalNode, LocalNode]
    const holder = await openProcess(a)
    expect(await a.global.setLock('r', 1, { process: holder })).toBe(true)
    expect(await b.global.setLock('r', 2, { retries: 0 })).toBe(false)
    a.exit(holder.pid, atom('kill'))
    expect(await b.global.setLock('r', 2)).toBe(true)
    expect(await c.global.setLock('r', 3, { retries: 0 })).toBe(false)
    await b.close()
    expect(await c.global.setLock('r', 3)).toBe(true)
  })

  test('no update is lost under trans, from many at once', SPLIT, async () => {
    const nodes = await start('a', 'b', 'c')
    let counter = 0
    const increment = async (): Promise<void> => {
      const seen = counter
      await new Promise((resolve) => setImmediate(resolve))
      counter = seen + 1
    }
    await Promise.all(nodes.flatMap(({ global }) => [1, 2].map(() => global.trans('counter', increment))))
    expect(counter).toBe(6)
  })

  test(
    'trans aborts when its retries are used up, rejects with what is thrown, and frees the lock then',
    SPLIT,
    async () => {
      const [a, b] = (await start('a', 'b')) as [LocalNode, LocalNode]
      await a.global.setLock('r', 1)
      expect(await b.global.trans('r', () => 1, { retries: 0 })).toBe('aborted')
      const controller = new AbortController()
      const waits = b.global.trans('r', () => 1, { signal: controller.signal })
      controller.abort(new Error('enough'))
      await expect(waits).rejects.toThrow('enough')
      await a.global.delLock('r', 1)
      const failing = b.global.trans('r', () => Promise.reject(new Error('broken')))
      await expect(failing).rejects.toThrow('broken')
      expect(await a.global.trans('r', (self) => self.pid.node, { retries: 0 })).toBe(a.name)
    },
  )

  test('sync names the nodes it waits for, and does not wait for those that are gone', SPLIT, async () => {
    const [a] = (await start('a', 'b')) as [LocalNode]
    await a.global.sync({ nodes: ['nobody@127.0.0.1'], timeout: 20_000 })
  })

  describe('after a split', () => {
    /** Two nodes that know each other no more, with a process each that has the name. */
    async function clash(
      resolve?: Parameters<LocalNode['global']['registerName']>[2],
    ): Promise<[LocalNode, LocalNode, Process, Process]> {
      const [a, b] = (await start('a', 'b')) as [LocalNode, LocalNode]
      await b.disconnect(a.name)
      await until(() => expect([...a.nodes(), ...b.nodes()]).toEqual([]))
      const [one, two] = [await openProcess(a), await openProcess(b)]
      expect(await a.global.registerName('x', one.pid, resolve)).toBe('yes')
      expect(await b.global.registerName('x', two.pid, resolve)).toBe('yes')
      return [a, b, one, two]
    }

    async function heal(a: LocalNode, b: LocalNode): Promise<void> {
      await b.connect(a.name)
      await meshed([a, b])
    }

    test('random_exit_name kills one of two processes with the same name', SPLIT, async () => {
      const [a, b, one, two] = await clash()
      await heal(a, b)
      await until(() => expect(two.signal.aborted).toBe(true))
      for (const node of [a, b]) has(node, 'x', one.pid)
      expect(one.signal.aborted).toBe(false)
    })

    test('random_notify_name tells the one that lost the name', SPLIT, async () => {
      const [a, b, one, two] = await clash({ resolve: 'random_notify_name' })
      await heal(a, b)
      expect(String(await two.receive())).toBe('{global_name_conflict,<<"x">>}')
      for (const node of [a, b]) has(node, 'x', one.pid)
    })

    test('notify_all_name takes the name from both and tells both', SPLIT, async () => {
      const [a, b, one, two] = await clash({ resolve: 'notify_all_name' })
      await heal(a, b)
      const [told1, told2] = (await Promise.all([one.receive(), two.receive()])) as [Term, Term]
      expect(equal(told1, tuple(atom('global_name_conflict'), 'x', two.pid))).toBe(true)
      expect(equal(told2, tuple(atom('global_name_conflict'), 'x', one.pid))).toBe(true)
      for (const node of [a, b]) has(node, 'x', undefined)
    })

    test('an exposed function decides, once, and gets the name and both processes', SPLIT, async () => {
      const [a, b, one, two] = await clash({ resolve: ['Elixir.Resolver', 'later'] })
      const asked: string[] = []
      for (const node of [a, b]) {
        node.expose('Elixir.Resolver', {
          later: (name: Term, pid1: Pid, pid2: Pid) => {
            asked.push(`${node.name} ${String(name)}`)
            return pid1.node === b.name ? pid1 : pid2
          },
        })
      }
      await heal(a, b)
      for (const node of [a, b]) has(node, 'x', two.pid)
      expect(asked).toEqual([`${a.name} x`])
      expect(one.signal.aborted).toBe(false)
    })

    test(
      'where the function is undefined or fails, the name goes to one process and nobody is killed',
      SPLIT,
      async () => {
        const [a, b, one, two] = await clash({ resolve: ['Elixir.Resolver', 'nobody_has_it'] })
        await heal(a, b)
        // As OTP: each side takes what the node that could not decide was told.
        has(a, 'x', two.pid)
        has(b, 'x', two.pid)
        expect(one.signal.aborted || two.signal.aborted).toBe(false)
      },
    )
  })

  test('a lost connection leaves parts that are fully connected', SPLIT, async () => {
    const nodes = await start('a', 'b', 'c', 'd')
    const [a, b, c, d] = nodes as [LocalNode, LocalNode, LocalNode, LocalNode]
    await a.disconnect(b.name)
    await until(() => {
      expect(a.nodes()).not.toContain(b.name)
      expect(c.nodes()).toContain(d.name)
      for (const node of nodes) {
        for (const peer of nodes.filter(({ name }) => node.nodes().includes(name))) {
          expect([peer.name, ...peer.nodes()].sort()).toEqual([node.name, ...node.nodes()].sort())
        }
      }
    })
    expect(cluster.lines('warn', 'in order to prevent overlapping partitions').length).toBeGreaterThan(0)
    await a.ping(b.name)
    for (const node of [b, c, d]) await node.ping(a.name)
    await meshed(nodes)
  })

  test('a node that connects and goes again and again leaves nothing behind', SPLIT, async () => {
    const [a] = (await start('a', 'b')) as [LocalNode]
    const process = await openProcess(a)
    for (let i = 0; i < 5; i++) {
      const late = await cluster.start(`late${i}`, { visible: true })
      await late.ping(a.name)
      if (i % 2 === 0) await late.global.sync({ timeout: 20_000 })
      await late.close()
    }
    expect(await a.global.registerName('x', process.pid)).toBe('yes')
    expect(await a.global.trans('r', () => 'done')).toBe('done')
  })
})

test('a hidden node has no global names, and says so', async () => {
  const node = await cluster.start('h')
  const error = expect.objectContaining({ code: 'ERR_NOT_VISIBLE' })
  expect(() => node.global.whereisName('x')).toThrow(error)
  expect(() => node.global.registeredNames()).toThrow(error)
  expect(() => node.global.send('x', 1)).toThrow(error)
  await expect(node.global.registerName('x', (await openProcess(node)).pid)).rejects.toThrow(error)
  await expect(node.global.setLock('r', 1)).rejects.toThrow(error)
  await expect(node.global.trans('r', () => 1)).rejects.toThrow(error)
  await expect(node.global.sync()).rejects.toThrow(error)
})
