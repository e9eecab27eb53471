/**
 * @typedef {import('../harness/endpoint.mjs').Endpoint} Endpoint
 * @typedef {import('../harness/stage.mjs').Stage} Stage
 *
 * @typedef {object} Bus who publishes and subscribes
 * @property {string} name for `--only`
 * @property {string} title for tables
 * @property {readonly string[]} needs programs on the path
 * @property {readonly ('one' | 'fan' | 'local')[]} works what can be measured of it
 * @property {(stage: Stage) => Promise<{ endpoint: Endpoint, address: string }>} open a process that takes part
 */

/** @param {Stage} stage @param {(string | number)[]} words */
async function tsunagiNode(stage, ...words) {
  const endpoint = stage.node('pubsub-tsunagi')
  const { address } = await endpoint.ask('open', stage.nodeName('bus'), stage.cookie, await stage.epmd(), ...words)
  return { endpoint, address }
}

/** @param {Stage} stage @param {string} program @param {(string | number)[]} words */
async function client(stage, program, ...words) {
  const endpoint = stage.node(program)
  const { address } = await endpoint.ask('open', ...words)
  return { endpoint, address }
}

/** @type {readonly Bus[]} */
export const buses = [
  {
    name: 'tsunagi',
    title: 'Tsunagi, mesh',
    needs: [],
    works: ['one', 'fan', 'local'],
    open: (stage) => tsunagiNode(stage),
  },
  {
    name: 'tsunagi-nats',
    title: 'Tsunagi on NATS',
    needs: ['nats-server'],
    works: ['one', 'fan'],
    open: async (stage) => tsunagiNode(stage, await stage.natsServer()),
  },
  {
    name: 'nats',
    title: 'nats.js via nats-server',
    needs: ['nats-server'],
    works: ['one', 'fan'],
    open: async (stage) => client(stage, 'pubsub-nats', await stage.natsServer()),
  },
  {
    name: 'redis',
    title: 'ioredis via redis-server',
    needs: ['redis-server'],
    works: ['one', 'fan'],
    open: async (stage) => client(stage, 'pubsub-redis', await stage.redisServer()),
  },
  {
    name: 'erlang',
    title: 'Erlang, as Phoenix.PubSub does it',
    needs: ['erl', 'erlc', 'epmd'],
    works: ['one', 'fan', 'local'],
    async open(stage) {
      const endpoint = await stage.erlang(stage.nodeName('bus'), 'bench_pubsub')
      const { address } = await endpoint.ask('open')
      return { endpoint, address }
    },
  },
  {
    name: 'events',
    title: 'node:events',
    needs: [],
    works: ['local'],
    open: (stage) => client(stage, 'pubsub-events'),
  },
]
