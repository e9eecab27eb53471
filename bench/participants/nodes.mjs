/** The four pairings of Erlang and Tsunagi nodes. @typedef {import('./participant.mjs').Participant} Participant */

/** @param {import('../harness/stage.mjs').Stage} stage */
async function tsunagiNode(stage) {
  const endpoint = stage.node('tsunagi')
  const name = stage.nodeName('ts')
  const { address } = await endpoint.ask('listen', name, stage.cookie, await stage.epmd())
  return { endpoint, address }
}

/** @param {import('../harness/stage.mjs').Stage} stage */
async function erlangNode(stage) {
  const endpoint = await stage.erlang(stage.nodeName('erl'))
  const { address } = await endpoint.ask('listen')
  return { endpoint, address }
}

/**
 * @param {typeof tsunagiNode} from
 * @param {typeof tsunagiNode} to
 * @returns {Participant['open']}
 */
function pair(from, to) {
  return async (stage) => {
    const receiver = await to(stage)
    const sender = await from(stage)
    await sender.endpoint.ask('connect', receiver.address)
    return { sender: sender.endpoint, receiver: receiver.endpoint }
  }
}

/** @param {import('../harness/stage.mjs').Stage} stage */
async function secureTsunagiNode(stage) {
  const endpoint = stage.node('tsunagi')
  const name = stage.nodeName('ts')
  const { address } = await endpoint.ask('listen', name, stage.cookie, await stage.epmd(), stage.certificates())
  return { endpoint, address }
}

/** @param {import('../harness/stage.mjs').Stage} stage */
async function secureErlangNode(stage) {
  const flags = ['-proto_dist', 'inet_tls', '-ssl_dist_optfile', `${stage.certificates()}/dist.conf`]
  const endpoint = await stage.erlang(stage.nodeName('erl'), 'bench_node', flags)
  const { address } = await endpoint.ask('listen')
  return { endpoint, address }
}

/** @type {Participant} */
export const tsunagi = { name: 'tsunagi', title: 'Tsunagi → Tsunagi', needs: [], open: pair(tsunagiNode, tsunagiNode) }

/** @type {Participant} */
export const tsunagiErlang = {
  name: 'tsunagi-erlang',
  title: 'Tsunagi → Erlang',
  needs: ['erl', 'erlc', 'epmd'],
  open: pair(tsunagiNode, erlangNode),
}

/** @type {Participant} */
export const erlangTsunagi = {
  name: 'erlang-tsunagi',
  title: 'Erlang → Tsunagi',
  needs: ['erl', 'erlc', 'epmd'],
  open: pair(erlangNode, tsunagiNode),
}

/** @type {Participant} */
export const erlang = {
  name: 'erlang',
  title: 'Erlang → Erlang',
  needs: ['erl', 'erlc', 'epmd'],
  open: pair(erlangNode, erlangNode),
}

/** The same over TLS. @type {readonly Participant[]} */
export const secureNodes = [
  {
    name: 'tsunagi-tls',
    title: 'Tsunagi → Tsunagi, TLS',
    needs: ['openssl'],
    open: pair(secureTsunagiNode, secureTsunagiNode),
  },
  {
    name: 'tsunagi-erlang-tls',
    title: 'Tsunagi → Erlang, TLS',
    needs: ['erl', 'erlc', 'epmd', 'openssl'],
    open: pair(secureTsunagiNode, secureErlangNode),
  },
  {
    name: 'erlang-tsunagi-tls',
    title: 'Erlang → Tsunagi, TLS',
    needs: ['erl', 'erlc', 'epmd', 'openssl'],
    open: pair(secureErlangNode, secureTsunagiNode),
  },
  {
    name: 'erlang-tls',
    title: 'Erlang → Erlang, TLS',
    needs: ['erl', 'erlc', 'epmd', 'openssl'],
    open: pair(secureErlangNode, secureErlangNode),
  },
]
