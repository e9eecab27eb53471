import { silentLogger } from '../../src/base/logger.ts'
import { ConnectError } from '../../src/dist/connect-error.ts'
import type { Link, LinkDownReason, LinkOptions } from '../../src/dist/link.ts'
import type { Established } from '../../src/dist/setup.ts'
import type { Dialled } from '../../src/node/dial.ts'
import { type ResolvedNodeOptions, resolveNodeOptions } from '../../src/node/node-options.ts'
import { Peers, type Transport } from '../../src/node/peers.ts'
import type { InboundSignals } from '../../src/process/router.ts'
import { BucketClock } from './bucket-clock.ts'

/** Numbers in [0, 1) that are the same for the same seed. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return state / 0x80000000
  }
}

const INTEREST = 'topology'

/** One end of a connection, and of the link that was made of it. */
class End {
  link: SimulatedLink | undefined
  other!: End
  readonly #clock: BucketClock

  private constructor(clock: BucketClock) {
    this.#clock = clock
  }

  static pair(clock: BucketClock): readonly [End, End] {
    const [a, b] = [new End(clock), new End(clock)]
    a.other = b
    b.other = a
    return [a, b]
  }

  /** The other side sees it a moment later. */
  destroy(): void {
    this.#clock.after(1, () => this.other.link?.close('connection_closed'))
  }
}

/** What a connector has of a link: that it is there, and that it ends. */
class SimulatedLink {
  readonly #end: End
  readonly #onDown: LinkOptions['onDown']
  #down = false

  constructor({ established, onDown }: LinkOptions) {
    this.#end = established.carrier as unknown as End
    this.#end.link = this
    this.#onDown = onDown
  }

  open(): void {}

  close(reason: LinkDownReason): void {
    if (this.#down) return
    this.#down = true
    this.#end.destroy()
    this.#onDown(reason, undefined)
  }
}

/** A node as far as its connections go: its peers, with their connectors, backoff and gate, are the real ones. */
export class SimulatedNode {
  readonly name: string
  /** When it began to dial, in milliseconds, each time. */
  readonly dials: number[] = []
  /** The most dials it had under way. */
  mostUnderWay = 0
  links = 0
  up = false
  readonly peers: Peers
  #underWay = 0

  constructor(name: string, clock: BucketClock, network: Network) {
    this.name = name
    const options: ResolvedNodeOptions = { ...resolveNodeOptions({ name, logger: silentLogger }), clock }
    const transport: Transport = {
      dial: (peer, _port, signal) => {
        this.dials.push(clock.now())
        this.mostUnderWay = Math.max(this.mostUnderWay, ++this.#underWay)
        return network.dial(this, peer, signal).finally(() => this.#underWay--)
      },
      link: (settings) => new SimulatedLink(settings) as unknown as Link,
    }
    this.peers = new Peers(options, transport, {
      onUp: () => void this.links++,
      onDown: () => void this.links--,
      onFailed() {},
      onUnsent() {},
      onDrained() {},
      onSpawn() {},
    })
    this.peers.processes = { linkDown() {} } as unknown as InboundSignals
  }

  /** Begins: it can be found from now on, and is to be connected with all of these. */
  start(names: readonly string[]): void {
    this.up = true
    for (const name of names) if (name !== this.name) this.peers.connector(name).want(INTEREST)
  }
}

/**
 * Nodes that know all names, as with `localEpmd` or `staticNodes`. What decides who dials whom and when is the real thing,
 * in every one of them; what lies below (EPMD, sockets, handshakes, frames) is a delay of some milliseconds.
 */
export class Network {
  readonly clock = new BucketClock()
  readonly nodes: readonly SimulatedNode[]
  readonly #random: () => number
  readonly #byName: ReadonlyMap<string, SimulatedNode>
  readonly #slow: number

  /** @param slow milliseconds that each of the two parts of a connect takes at most */
  constructor(size: number, { seed, slow }: { readonly seed: number; readonly slow: number }) {
    this.#random = random(seed)
    this.#slow = slow
    this.nodes = Array.from({ length: size }, (_, i) => new SimulatedNode(`n${i}@127.0.0.1`, this.clock, this))
    this.#byName = new Map(this.nodes.map((node) => [node.name, node]))
  }

  /** Dials of all nodes so far. */
  get attempts(): number {
    return this.nodes.reduce((sum, { dials }) => sum + dials.length, 0)
  }

  /** Starts all nodes, each at a moment within the first `spread` ms. */
  start(spread: number): void {
    const names = [...this.#byName.keys()]
    for (const node of this.nodes) this.clock.after(this.#random() * spread, () => node.start(names))
  }

  /** All links go down at once, as in a network that fails for a moment. */
  cutAll(): void {
    for (const { peers } of this.nodes) for (const link of [...peers.links]) link.close('net_tick_timeout')
  }

  /** The dialling side of a connect. */
  dial(from: SimulatedNode, name: string, signal: AbortSignal): Promise<Dialled> {
    return new Promise<Dialled>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      const fail = (code: ConnectError['code']): void => reject(new ConnectError(code, name, code))
      this.#later(() => {
        const to = this.#byName.get(name)
        if (signal.aborted) return
        if (to?.up !== true) return fail('ERR_CONNECT_NOT_REGISTERED')
        const decision = to.peers.decide(from.name)
        if (decision === 'nok') return fail('ERR_CONNECT_SIMULTANEOUS')
        if (decision === 'busy' || decision === 'not_allowed') return fail('ERR_CONNECT_CLOSED')
        this.#later(() => {
          if (signal.aborted) return
          const [near, far] = End.pair(this.clock)
          if (decision === 'alive') to.peers.replaced(from.name)
          to.peers.accepted(established(from.name, far))
          resolve({ established: established(name, near), ours: true })
        })
      })
    })
  }

  #later(work: () => void): void {
    this.clock.after(this.#random() * this.#slow, work)
  }
}

function established(peerName: string, end: End): Established {
  return { peerName, carrier: end } as unknown as Established
}
