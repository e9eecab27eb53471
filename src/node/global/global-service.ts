import type { Link } from '../../dist/link.ts'
import { type Atom, isAtom, Pid, type Term } from '../../term/index.ts'
import type { Connector } from '../connector.ts'
import type { Exposed, Exposure } from '../rpc/exposed.ts'
import type { Rpc } from '../rpc/rpc.ts'
import type { NodeHost, NodeService } from '../service.ts'
import type { GlobalState } from './global-state.ts'
import { EXACT, readMethod } from './messages.ts'
import { NameServer } from './name-server.ts'
import { Registrar } from './registrar.ts'
import { ResolveMethods } from './resolve.ts'

/** A visible node's part in the cluster: its server of global names, and what changes them. */
export class GlobalService implements NodeService {
  readonly host: NodeHost
  readonly server: NameServer
  readonly registrar: Registrar
  readonly #exposure: Exposure

  constructor(host: NodeHost, { exposed, rpc }: { readonly exposed: Exposed; readonly rpc: Rpc }) {
    this.host = host
    const methods = new ResolveMethods(host, exposed)
    const { connectAll } = host.options
    this.server = new NameServer(host, { methods, rpc, connectAll })
    this.registrar = new Registrar(
      this.state,
      host.processes.serve(undefined, EXACT, () => {}),
    )
    // The one function of OTP that peers call here: it decides between two processes of one name.
    const resolveIt = async (method: Term, name: Term, pid1: Term, pid2: Term): Promise<Term> => {
      const fun = readMethod(method)
      if (fun === undefined || !(pid1 instanceof Pid) || !(pid2 instanceof Pid)) return undefined
      return await methods.run(fun, name, pid1, pid2)
    }
    this.#exposure = exposed.expose('global', { resolve_it: { arity: 4, call: resolveIt } }, { terms: EXACT })
  }

  get state(): GlobalState {
    return this.server.state
  }

  up(_connector: Connector, link: Link): void {
    if (!link.hidden) this.server.nodeUp(link.peer)
  }

  down(peer: Atom, link: Link): void {
    if (!link.hidden) this.server.nodeDown(peer)
  }

  async close(): Promise<void> {
    this.server.close()
    await this.#exposure.close()
  }

  /** The visible nodes we are connected to. */
  peers(): Atom[] {
    return Array.from(this.host.peers.links)
      .filter(({ hidden }) => !hidden)
      .map(({ peer }) => peer)
  }

  /** Who has a name; a process of this node that has ended does not, even if that has not got round yet. */
  whereis(name: Term): Pid | undefined {
    const pid = this.state.names.find(name)?.pid
    if (pid === undefined || pid.nodeAtom !== this.host.self) return pid
    return this.host.processes.isAlive(pid) ? pid : undefined
  }

  /** A process has one global name at most (`check_dupname`). */
  mayName(name: Term, pid: Pid): boolean {
    const names = this.state.names.namesOf(pid)
    if (names.length === 0) return true
    const all = [name, ...names].map((each) => (isAtom(each) ? each.name : String(each))).join(', ')
    this.state.log('error', `global: ${pid} registered under several names: ${all}`)
    return false
  }
}
