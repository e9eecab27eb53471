/** What a process costs beside the least an async function needs to wait for messages. Run with `--expose-gc`. */
import { getHeapStatistics } from 'node:v8'
import { atom, GenServer, startNode } from '../../dist/index.js'
import { obey } from '../harness/obey.mjs'

const node = await startNode({ name: 'bench@127.0.0.1', cookie: 'bench', listen: false, epmd: false })
const go = atom('go')
const more = atom('more')

/** The least that `for await` can wait with: an object that keeps how to settle the promise it gave. */
class BareIterator {
  /** @type {(result: IteratorResult<unknown, undefined>) => void} */
  resolve = () => {};

  [Symbol.asyncIterator]() {
    return this
  }

  /** @returns {Promise<IteratorResult<unknown, undefined>>} */
  next() {
    return new Promise((resolve) => {
      this.resolve = resolve
    })
  }
}

class Idle extends GenServer {
  count = 0

  /** @override */
  handleCall() {
    return ++this.count
  }
}

/** What runs in a process, and waits on a bare iterator just so. @param {AsyncIterable<unknown>} messages */
async function body(messages) {
  for await (const message of messages) if (message === more) return
}

/**
 * `start` starts one that waits for messages and gives what keeps or names it; `end` ends it.
 *
 * @type {Record<string, { start: () => any, end: (started: any) => void }>}
 */
const kinds = {
  bare: {
    start() {
      const messages = new BareIterator()
      void body(messages)
      return messages
    },
    end: (messages) => messages.resolve?.({ value: undefined, done: true }),
  },
  process: { start: () => node.spawn(body), end: (pid) => node.exit(pid, atom('kill')) },
  server: {
    start: async () => (await node.start(() => new Idle())).pid,
    end: (pid) => node.exit(pid, atom('kill')),
  },
}

/** What is left after all garbage is gone. */
async function heapBytes() {
  await new Promise((resolve) => setImmediate(resolve))
  globalThis.gc?.()
  return getHeapStatistics().used_heap_size
}

/** How many are started in one turn of the event loop. */
const burst = 1_000

/**
 * Starts as many as `kept` has room for, and waits until each waits for messages.
 *
 * @param {() => any} start
 * @param {any[]} kept
 */
async function startAll(start, kept) {
  for (let from = 0; from < kept.length; from += burst) {
    const to = Math.min(from + burst, kept.length)
    for (let index = from; index < to; index++) kept[index] = start()
    for (let index = from; index < to; index++) if (kept[index] instanceof Promise) kept[index] = await kept[index]
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/**
 * Has a producer send in batches, each of which it sends when the one before was taken.
 *
 * @param {number} batches
 * @param {number} size
 */
function exchange(batches, size) {
  return new Promise((resolve) => {
    const producer = node.spawn(async (self) => {
      for (let left = batches; left > 0; left--) {
        for (let index = 0; index < size; index++) self.send(consumer, go)
        await self.receive()
      }
      resolve(undefined)
    })
    const consumer = node.spawn(async (self) => {
      let count = 0
      for await (const message of self) if (message === go && ++count % size === 0) self.send(producer, more)
    })
  })
}

await obey({
  /** Bytes of heap each takes, and the time to start as many once more, when the code is warm. */
  async start(name = '', count = '') {
    const kind = kinds[name]
    if (kind === undefined) throw new Error(`there is no kind "${name}"`)
    const kept = new Array(Number(count)).fill(undefined)
    const before = await heapBytes()
    await startAll(kind.start, kept)
    const bytes = ((await heapBytes()) - before) / kept.length
    for (const started of kept) kind.end(started)
    kept.fill(undefined)
    await heapBytes()
    const begin = performance.now()
    await startAll(kind.start, kept)
    return { ms: performance.now() - begin, bytes }
  },

  /** From one local process to another, in batches. */
  async exchange(batches, size) {
    const begin = performance.now()
    await exchange(Number(batches), Number(size))
    return { ms: performance.now() - begin }
  },
})
