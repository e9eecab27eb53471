/**
 * @typedef {import('../harness/endpoint.mjs').Endpoint} Endpoint
 * @typedef {import('../harness/stage.mjs').Stage} Stage
 *
 * @typedef {object} Keeper who keeps values
 * @property {string} name for `--only`
 * @property {string} title for tables
 * @property {readonly string[]} needs programs on the path
 * @property {readonly ('read' | 'put' | 'compute' | 'functions' | 'join')[]} works what can be measured of it
 * @property {number} nodes that take part
 * @property {(stage: Stage) => Promise<Endpoint[]>} open processes that share a store
 */

const members = 3

/** @param {Stage} stage @param {boolean} onDisk */
async function mesh(stage, onDisk) {
  const names = Array.from({ length: members }, () => stage.nodeName('store'))
  const endpoints = names.map(() => stage.node('store-tsunagi'))
  for (const [i, endpoint] of endpoints.entries()) {
    await endpoint.ask('start', names[i] ?? '', stage.cookie, await stage.epmd())
    for (const name of names.slice(0, i)) await endpoint.ask('join', name)
  }
  const opened = await Promise.all(
    endpoints.map((endpoint, i) => {
      return endpoint.ask('open', names.join(','), onDisk ? stage.folder(names[i] ?? '') : '-', '-', members - 1)
    }),
  )
  // Writes are asked of one that is not the loader, as most are.
  const first = opened.findIndex(({ loader }, i) => loader !== names[i])
  return [...endpoints.splice(first, 1), ...endpoints]
}

/** @param {Stage} stage @param {string} program */
async function client(stage, program, port = 0) {
  const endpoint = stage.node(program)
  await endpoint.ask('open', port)
  return [endpoint]
}

/** @type {readonly Keeper[]} */
export const keepers = [
  {
    name: 'tsunagi',
    title: `Tsunagi, ${members} members`,
    needs: [],
    works: ['read', 'put', 'compute', 'functions', 'join'],
    nodes: members,
    open: (stage) => mesh(stage, false),
  },
  {
    name: 'tsunagi-disk',
    title: `Tsunagi, ${members} members with disks`,
    needs: [],
    works: ['put', 'compute'],
    nodes: members,
    open: (stage) => mesh(stage, true),
  },
  {
    name: 'tsunagi-nats',
    title: 'Tsunagi on NATS',
    needs: ['nats-server'],
    works: ['read', 'put', 'compute'],
    nodes: 1,
    async open(stage) {
      const endpoint = stage.node('store-tsunagi')
      await endpoint.ask('start', stage.nodeName('store'), stage.cookie, await stage.epmd())
      await endpoint.ask('open', '-', '-', await stage.natsServer(), 0)
      return [endpoint]
    },
  },
  {
    name: 'nats',
    title: 'JetStream KV by nats.js',
    needs: ['nats-server'],
    works: ['read', 'put'],
    nodes: 1,
    open: async (stage) => client(stage, 'store-nats', await stage.natsServer()),
  },
  {
    name: 'redis',
    title: 'ioredis via redis-server',
    needs: ['redis-server'],
    works: ['read', 'put'],
    nodes: 1,
    open: async (stage) => client(stage, 'store-redis', await stage.redisServer()),
  },
]
