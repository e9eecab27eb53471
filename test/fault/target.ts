import { expect } from 'vitest'
import type { Limits } from '../../src/base/limits.ts'
import type { LocalNode } from '../../src/node/local-node.ts'
import type { NodeOptions } from '../../src/node/node-options.ts'
import { atom, tuple } from '../../src/term/index.ts'
import { startNode } from '../../src/tsunagi.ts'
import { LogBook } from '../process/network.ts'
import { RawPeer, type RawPeerOptions } from '../support/raw-peer.ts'
import { nextEvent } from '../support/scene.ts'

let targets = 0

/**
 * A node of ours under attack, and another one whose link to it must not suffer: it asks over that link whether the node
 * still works, and counts how often the link was lost. No EPMD takes part.
 */
export class Target implements AsyncDisposable {
  readonly node: LocalNode
  readonly witness: LocalNode
  readonly log: LogBook
  #lost = 0

  private constructor(node: LocalNode, witness: LocalNode, log: LogBook) {
    this.node = node
    this.witness = witness
    this.log = log
    witness.on('nodedown', () => this.#lost++)
  }

  static async start(options: NodeOptions & { limits?: Partial<Limits> } = {}): Promise<Target> {
    const log = new LogBook()
    const number = ++targets
    const common = { cookie: options.cookie ?? 'secret', epmd: false, mesh: false } as const
    const node = await startNode({ ...common, name: `target${number}@127.0.0.1`, logger: log, ...options })
    await node.start({ handleCall: (request) => request, handleInfo() {} }, { name: 'echo' })
    const name = `witness${number}@127.0.0.1`
    const witness = await startNode({ ...common, name, listen: false, logger: new LogBook() })
    const target = new Target(node, witness, log)
    await witness.connect(`${node.name}:${node.listening?.port}`)
    return target
  }

  /** Connects a peer; resolves when the node has the link. */
  async peer(options: RawPeerOptions & { readonly name?: string } = {}): Promise<RawPeer> {
    const known = new Set(this.node.nodes())
    const up = new Promise<void>((resolve) => {
      const onUp = (name: string) => {
        if (known.has(name) && name !== options.name) return
        this.node.off('nodeup', onUp)
        resolve()
      }
      this.node.on('nodeup', onUp)
    })
    const peer = await RawPeer.connect(this.node, options)
    await up
    return peer
  }

  /** Expects that what `attack` sends ends the peer's link, and nothing else, for `reason`, with one line in the log. */
  async endsLink(attack: (peer: RawPeer) => void, reason: RegExp, options: RawPeerOptions = {}): Promise<void> {
    await using peer = await this.peer(options)
    const down = nextEvent(this.node, 'nodedown', peer.name)
    attack(peer)
    expect((await down)[1].reason).toBe('protocol_error')
    await peer.ended
    const lines = this.log.lines.filter(({ data }) => 'node' in data && data.node === peer.name)
    const warnings = lines.filter(({ level }) => level === 'warn' || level === 'error')
    expect(warnings.map(({ message }) => message)).toEqual([
      expect.stringMatching(new RegExp(`^lost the connection to ${peer.name}: protocol_error \\(.*${reason.source}`)),
    ])
    await this.survived()
  }

  /** Expects that the node works and that the witness never lost its link. */
  async survived(): Promise<void> {
    const question = tuple(atom('still'), 'there')
    expect(await this.witness.call({ name: 'echo', node: this.node.name }, question)).toEqual(question)
    expect(this.#lost).toBe(0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.witness.close()
    await this.node.close()
  }
}
