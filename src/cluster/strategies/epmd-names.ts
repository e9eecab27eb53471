import { TsunagiError } from '../../base/errors.ts'
import { isLongHost, isLoopbackHost } from '../../base/node-name.ts'
import type { EpmdDirectory, EpmdEntry } from '../../node/epmd-directory.ts'
import type { FoundNode, StrategyContext } from '../strategy.ts'

/** Where an EPMD is, and which host its nodes have in their names when they do not tell. */
export interface EpmdPlace {
  /** Undefined: the node's own EPMD. */
  readonly at: string | undefined
  /** Default: the port of the node's own EPMD. */
  readonly port?: number | undefined
  readonly host: string
}

/** Entries asked for at a time. */
const PARALLEL = 16

/** The nodes that one EPMD knows. What their entries say is asked once for each. */
export class EpmdNames {
  /** By name and port: at another port it is another node. */
  readonly #entries = new Map<string, EpmdEntry>()

  /** @throws TsunagiError `ERR_EPMD_…` */
  async find(context: StrategyContext, place: EpmdPlace): Promise<FoundNode[]> {
    const { epmd } = context
    if (epmd === undefined) throw new TsunagiError('ERR_EPMD_UNREACHABLE', 'this node uses no EPMD (epmd: false)')
    const listed = await epmd.names(place.at, place.port)
    const known = this.#entries
    const found: FoundNode[] = []
    const queue = [...listed]
    const work = async (): Promise<void> => {
      for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
        const key = keyOf(next)
        const entry = known.get(key) ?? (await epmd.lookup(next.name, place.at, place.port))
        if (entry === undefined) continue
        // Also when time runs out for the rest: the next lookup goes on from here.
        known.set(key, entry)
        const node = nodeOf(next.name, entry, epmd, place)
        if (node !== undefined) found.push(node)
      }
    }
    await Promise.all(Array.from({ length: Math.min(PARALLEL, queue.length) }, work))
    const keys = new Set(listed.map(keyOf))
    for (const key of known.keys()) if (!keys.has(key)) known.delete(key)
    return found
  }
}

function keyOf({ name, port }: { readonly name: string; readonly port: number }): string {
  return `${name}:${port}`
}

/** Undefined for a node that cannot be reached from here under its name. */
function nodeOf(
  alive: string,
  entry: EpmdEntry,
  epmd: EpmdDirectory,
  { at, port, host }: EpmdPlace,
): FoundNode | undefined {
  if (at !== undefined && !isLoopbackHost(at) && entry.host !== undefined && isLoopbackHost(entry.host))
    return undefined
  return {
    name: `${alive}@${entry.host ?? host}`,
    // It would be looked up at the port that all EPMDs are expected at.
    ...(port === undefined || port === epmd.port ? {} : { port: entry.port }),
    // A node of this package says that it is hidden, and wants to be found all the same.
    ...(entry.hidden && entry.host === undefined ? { hidden: true } : {}),
  }
}

/** A host as it is in the names of nodes that this one can connect: those with short names have its part before the dot. */
export function hostInNames(host: string, self: string): string {
  if (isLongHost(self) || /^[\d.]+$/.test(host)) return host
  return host.split('.')[0] as string
}
