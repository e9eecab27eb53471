import type { Link } from '../../dist/link.ts'
import { checkName } from '../../process/names.ts'
import { type Atom, isAtom } from '../../term/index.ts'
import type { Connector } from '../connector.ts'
import type { NodeHost, NodeService } from '../service.ts'
import { PgScope } from './pg-scope.ts'
import { ScopeServer } from './scope-server.ts'

interface OpenScope {
  readonly scope: PgScope
  readonly server: ScopeServer
}

/** The scopes of a node that are open, by their names. */
export class Pg implements NodeService {
  readonly #host: NodeHost
  readonly #open = new Map<Atom, OpenScope>()

  constructor(host: NodeHost) {
    this.#host = host
  }

  /** The scope of this name, opened if it is not. @throws TsunagiError `ERR_NAME_TAKEN`, `ERR_CLOSED`; OptionError. */
  scope(given: string | Atom): PgScope {
    const name = checkName(isAtom(given) ? given.name : given)
    const known = this.#open.get(name)
    if (known !== undefined) return known.scope
    let server: ScopeServer | undefined
    const scope = new PgScope(
      name.name,
      (events) => {
        server = new ScopeServer(name, this.#host, events)
        return server
      },
      () => this.#open.delete(name),
    )
    if (server !== undefined) this.#open.set(name, { scope, server })
    return scope
  }

  up(_connector: Connector, link: Link): void {
    for (const { server } of this.#open.values()) server.up(link)
  }

  down(peer: Atom): void {
    for (const { server } of this.#open.values()) server.down(peer)
  }

  close(): void {
    for (const { scope } of [...this.#open.values()]) void scope.close()
  }
}
