import { TsunagiError } from '../base/errors.ts'
import { mesh } from '../pubsub/engines/mesh.ts'
import type { PubSub } from '../pubsub/pubsub.ts'
import { atom, parse, tuple } from '../term/index.ts'
import type { TsunagiNode } from '../tsunagi.ts'
import { type GuestOptions, withGuest } from './guest.ts'
import { nodesOf } from './nodes.ts'
import { report } from './output.ts'

interface PubOptions extends GuestOptions {
  readonly only?: boolean
}

/** Broadcasts a message. */
export async function pub(
  target: string,
  name: string,
  topic: string,
  term: string,
  options: PubOptions,
): Promise<void> {
  const message = parse(term)
  const visit = async (guest: TsunagiNode, node: string): Promise<void> => {
    const pubsub = guest.pubsub(name, { engine: mesh(), publishOnly: true })
    await takesPart(pubsub, node, options.timeout)
    if (options.only !== true) await meetOthers(guest, node, options.timeout)
    const nodes = options.only === true ? [node] : pubsub.nodes().sort()
    if (options.only === true) pubsub.directBroadcast(node, topic, message)
    else pubsub.broadcast(topic, message)
    // Leaving writes out what is still queued.
    report(options, { pubsub: pubsub.name, topic, nodes }, `broadcast to ${nodes.join(', ')}`)
  }
  await withGuest(target, options, visit, { mesh: options.only !== true })
}

/** @throws TsunagiError `ERR_TIMEOUT` */
async function takesPart(pubsub: PubSub, node: string, timeout: number): Promise<void> {
  const events = pubsub.events({ signal: AbortSignal.timeout(timeout) })
  if (pubsub.nodes().includes(node)) return
  for await (const event of events) if (event.type === 'nodeup' && event.node === node) return
  throw new TsunagiError('ERR_TIMEOUT', `${node} has no pub/sub ${pubsub.name}: none was seen within ${timeout} ms`)
}

/** Connects to the others; those that do not answer in time are left out. */
async function meetOthers(guest: TsunagiNode, node: string, timeout: number): Promise<void> {
  const others = await Promise.all([nodesOf(guest, node, 'visible', timeout), nodesOf(guest, node, 'hidden', timeout)])
  const meet = async (other: string): Promise<void> => {
    await guest.connect(other, { timeout })
    // By its answer, what its scope told when the link came up has arrived, or it has none.
    await guest.call({ name: 'net_kernel', node: other }, tuple(atom('is_auth'), atom(guest.name)), { timeout })
  }
  await Promise.allSettled(
    others
      .flat()
      .filter((other) => other !== guest.name)
      .map(meet),
  )
}
