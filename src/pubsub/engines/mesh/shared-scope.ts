import type { PgScope } from '../../../node/pg/pg-scope.ts'
import type { PubSubHost } from '../../pubsub-host.ts'

interface Use {
  readonly scope: PgScope
  /** It was there before, so that it is somebody else's to close. */
  readonly foreign: boolean
  users: number
}

/** Per node, by the scopes' names. */
const uses = new WeakMap<PubSubHost['serviceHost'], Map<string, Use>>()

/**
 * A pg scope that all pub/subs of a node share. The last one to let go of it closes it, unless it was open before.
 *
 * @throws TsunagiError `ERR_NAME_TAKEN`, `ERR_CLOSED`
 */
export function shareScope(host: PubSubHost, name: string): { readonly scope: PgScope; release(): void } {
  let ofNode = uses.get(host.serviceHost)
  if (ofNode === undefined) {
    ofNode = new Map()
    uses.set(host.serviceHost, ofNode)
  }
  let use = ofNode.get(name)
  if (use === undefined || use.scope.closed) {
    const foreign = host.whereis(name) !== undefined
    // Each pub/sub listens.
    use = { scope: host.pg(name).setMaxListeners(0), foreign, users: 0 }
    ofNode.set(name, use)
  }
  use.users++
  const { scope, foreign } = use
  return { scope, release: () => release(ofNode, name, scope, foreign) }
}

function release(ofNode: Map<string, Use>, name: string, scope: PgScope, foreign: boolean): void {
  const use = ofNode.get(name)
  if (use?.scope !== scope || --use.users > 0) return
  ofNode.delete(name)
  if (!foreign) void scope.close()
}
