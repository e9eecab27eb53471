import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Clock } from '../../base/clock.ts'
import { abortable } from '../../base/deadline.ts'
import { TsunagiError } from '../../base/errors.ts'
import { isLongHost, isLoopbackHost, type NodeName } from '../../base/node-name.ts'
import { epmdDirectory } from '../../node/epmd-directory.ts'
import type { LocalNode } from '../../node/local-node.ts'
import type { Check, Checks } from './check.ts'
import { reach } from './probe.ts'

/** Where to connect to. */
export interface Place {
  readonly host: string
  readonly port: number
}

/** The two names: OTP connects long ones with each other, and short ones, and nobody with itself. */
export function checkNames(node: LocalNode, peer: NodeName, checks: Checks): boolean {
  const { self } = node.discovery
  if (self.full === peer.full) {
    const advice = 'Ask from another node, or under another name.'
    checks.add({
      step: 'names',
      status: 'failed',
      message: `${peer.full} is this node itself`,
      advice,
      code: 'ERR_CONNECT_SELF',
    })
    return false
  }
  const [ours, theirs] = [kindOf(self.host), kindOf(peer.host)]
  if (ours === theirs) {
    checks.ok('names', `${self.full} dials ${peer.full}: both names are ${ours}`)
    return true
  }
  const message = `${self.full} is a ${ours} name and ${peer.full} a ${theirs} one; Erlang does not connect the two`
  const advice =
    'Give both a long name (-name, a host with a dot or an address) or both a short one (-sname). A BEAM node that dials so logs ' +
    '"System NOT running to use fully qualified hostnames", or the same without the NOT.'
  checks.add({ step: 'names', status: 'failed', message, advice, code: 'ERR_CONNECT_SPLIT_NAMES' })
  return false
}

/** The host has addresses here. */
export async function checkHost({ host }: NodeName, checks: Checks, signal: AbortSignal): Promise<boolean> {
  if (isIP(host) !== 0) {
    checks.ok('host', `${host} is an address`)
    return true
  }
  try {
    const addresses = (await abortable(lookup(host, { all: true }), signal)).map(({ address }) => address)
    const message = `${host} is ${addresses.join(', ')}`
    if (isLoopbackHost(host) || !addresses.some(isLoopbackHost)) {
      checks.ok('host', message)
      return true
    }
    const advice = 'That is this machine, and only from here. Other machines need another entry (see /etc/hosts).'
    checks.add({ step: 'host', status: 'warning', message, advice })
    return true
  } catch (error) {
    signal.throwIfAborted()
    const { code } = error as NodeJS.ErrnoException
    const message = `the host ${host} is not known here (${code})`
    const advice = 'Check the part after the @, /etc/hosts, and DNS with its search domains.'
    checks.add({ step: 'host', status: 'failed', message, advice, code: 'ERR_CONNECT_HOST' })
    return false
  }
}

/** The peer's port, as its EPMD has it. */
export async function findPort(
  node: LocalNode,
  peer: NodeName,
  checks: Checks,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { clock, epmd } = node.discovery
  const { alive, host } = peer
  if (epmd === undefined) {
    const advice = `Name it with its port, ${peer.full}:PORT.`
    const message = 'this node uses no EPMD'
    checks.add({ step: 'epmd', status: 'failed', message, advice, code: 'ERR_CONNECT_EPMD' })
    return undefined
  }
  const directory = epmdDirectory(epmd, clock, signal)
  let names: { readonly name: string }[]
  try {
    names = await directory.names(host)
  } catch (error) {
    if (!(error instanceof TsunagiError)) throw error
    const cure = {
      ERR_EPMD_TIMEOUT: `A firewall drops what is sent there (open port ${epmd.port}), or the EPMD is stopped.`,
      ERR_EPMD_PROTOCOL: `Something else has port ${epmd.port}: look what listens there.`,
    }[error.code as string]
    const none = `No node runs there (each starts an EPMD), it has another port (ERL_EPMD_PORT; here ${epmd.port}), or there is no way to the host.`
    const advice = `${cure ?? none} A node without EPMD is dialled by its port, ${peer.full}:PORT.`
    checks.add({ step: 'epmd', status: 'failed', message: error.message, advice, code: 'ERR_CONNECT_EPMD' })
    return undefined
  }
  checks.ok('epmd', `an EPMD answers at ${host}:${epmd.port}`)
  const found = await directory.lookup(alive, host)
  if (found !== undefined) {
    checks.ok('registered', `it knows ${alive}, at port ${found.port}`)
    return found.port
  }
  const others = names.map(({ name }) => name).sort()
  const message = `it does not know ${alive}; it knows ${others.length === 0 ? 'nobody' : others.slice(0, 20).join(', ')}`
  const advice = `The node is down, has another name, or runs without EPMD (ERL_DIST_PORT), then dial ${peer.full}:PORT.`
  checks.add({ step: 'registered', status: 'failed', message, advice, code: 'ERR_CONNECT_NOT_REGISTERED' })
  return undefined
}

/** Somebody listens there. */
export async function checkPort(place: Place, checks: Checks, clock: Clock, signal: AbortSignal): Promise<boolean> {
  const { host, port } = place
  const reached = await reach(host, port, { clock, signal })
  if ('address' in reached) {
    checks.ok('port', `${reached.address} accepts connections at port ${port}`)
    return true
  }
  const where = `${host}, port ${port}`
  const { code: cause = '' } = reached.failure
  checks.add({ step: 'port', status: 'failed', ...(unreached(where)[cause] ?? noWay(where, cause)) })
  return false
}

type Told = Pick<Check, 'message' | 'advice' | 'code'>

const unreached = (where: string): Readonly<Record<string, Told>> => ({
  ECONNREFUSED: {
    message: `nothing listens at ${where}`,
    advice: 'The node has just gone, listens at another address (inet_dist_use_interface), or a firewall refuses.',
    code: 'ERR_CONNECT_REFUSED',
  },
  ETIMEDOUT: {
    message: `${where} does not answer`,
    advice:
      'A firewall drops what is sent there. Open the port; nodes listen at any, or in a range: inet_dist_listen_min and _max, ' +
      'here `listen.port`.',
    code: 'ERR_CONNECT_TIMEOUT',
  },
})

function noWay(where: string, cause: string): Told {
  const advice = 'Check the network and its routes.'
  return { message: `there is no way to ${where} (${cause})`, advice, code: 'ERR_CONNECT_HOST' }
}

function kindOf(host: string): 'long' | 'short' {
  return isLongHost(host) ? 'long' : 'short'
}
