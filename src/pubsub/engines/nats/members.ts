import type { Clock, Timer } from '../../../base/clock.ts'
import { TsunagiError } from '../../../base/errors.ts'
import type { Logger } from '../../../base/logger.ts'
import { type WaitOptions, withLimits } from '../../../node/waiting.ts'
import { encode, type Term } from '../../../term/index.ts'
import { header, type Packet } from './packet.ts'
import type { Subjects } from './subjects.ts'

/** Nodes that are remembered; others are not taken note of until there is room. */
const MOST = 10_000

/** To all: who is there? Each member answers with HERE. */
const ASK = 1
/** To all now and then, and to who asked: this node takes part. */
const HERE = 2
/** To all: this node takes part no longer. */
const BYE = 3
/** To all: `[Id, Topic]`, how many subscriptions of it have you? */
const COUNT = 4
/** To who asked: `[Id, Number]`. */
const COUNTED = 5

interface Member {
  readonly sender: number
  heard: number
}

interface Question {
  readonly missing: Set<string>
  readonly answers: Map<string, number>
  done(): void
}

/** What {@link Members} needs. */
export interface MembersOptions {
  readonly node: string
  readonly sender: number
  readonly subjects: Subjects
  readonly clock: Clock
  readonly logger: Logger
  /** Whether others are told of this node. */
  readonly announce: boolean
  /** Milliseconds. */
  readonly heartbeatInterval: number
  readonly silentHeartbeats: number
  /** False while there is no connection: such messages are of no use later. */
  send(subject: string, packet: Buffer): void
  nodeUp(name: string): void
  nodeDown(name: string): void
  localCount(topic: string): number
}

/**
 * Which nodes take part. Nobody keeps a list: each tells all others of itself now and then, and is forgotten when it says so
 * or was silent for some heartbeats, as when it was killed or its server is gone for longer than that.
 */
export class Members {
  readonly #options: MembersOptions
  readonly #members = new Map<string, Member>()
  readonly #questions = new Map<number, Question>()
  #lastQuestion = 0
  #timer: Timer | undefined
  #warned = false
  #announces: boolean
  #closed = false

  constructor(options: MembersOptions) {
    this.#options = options
    this.#announces = options.announce
  }

  get names(): readonly string[] {
    return [...this.#members.keys()]
  }

  /** There is a connection. After the first one there is nothing to ask: who was connected as well tells of itself. */
  open(): void {
    if (this.#announces) this.#tell(HERE)
    if (this.#timer !== undefined) return
    this.#tell(ASK)
    this.#schedule()
  }

  /** Takes what came by the members' subject, or by this node's own; answers false where it is no such thing. */
  take(packet: Packet, term: () => Term): boolean {
    const { kind, node } = packet
    if (node === this.#options.node) this.#warn()
    else if (kind === HERE) this.#heard(packet)
    else if (kind === BYE) this.#forget(packet)
    else if (kind === ASK) {
      if (this.#announces) this.#tell(HERE, undefined, node)
    } else if (kind === COUNT) return this.#answer(node, term())
    else if (kind === COUNTED) return this.#answered(node, term())
    else return false
    return true
  }

  /** Asks all members. @throws what `withLimits` throws, apart from `ERR_TIMEOUT`: then some are missing */
  async count(topic: string, options: WaitOptions): Promise<ReadonlyMap<string, number>> {
    const answers = new Map<string, number>()
    if (this.#members.size === 0) return answers
    const id = ++this.#lastQuestion
    const answered = new Promise<void>((resolve) => {
      this.#questions.set(id, { missing: new Set(this.#members.keys()), answers, done: resolve })
    })
    try {
      this.#tell(COUNT, [id, topic])
      await withLimits(answered, this.#options.clock, options, 'not all nodes answered')
    } catch (error) {
      if (!(error instanceof TsunagiError && error.code === 'ERR_TIMEOUT')) throw error
    } finally {
      this.#questions.delete(id)
    }
    return answers
  }

  /** Takes part no longer for others, and still hears of them. */
  leave(): void {
    if (!this.#announces) return
    this.#tell(BYE)
    this.#announces = false
  }

  close(): void {
    if (this.#closed) return
    this.leave()
    this.#closed = true
    this.#timer?.cancel()
    this.#members.clear()
    for (const { done } of this.#questions.values()) done()
  }

  #schedule(): void {
    const { clock, heartbeatInterval, silentHeartbeats } = this.#options
    this.#timer = clock.after(heartbeatInterval, () => {
      if (this.#closed) return
      this.#schedule()
      if (this.#announces) this.#tell(HERE)
      const silent = clock.now() - heartbeatInterval * silentHeartbeats
      for (const [name, { heard }] of [...this.#members]) if (heard <= silent) this.#drop(name)
    })
  }

  #heard({ node, sender }: Packet): void {
    const heard = this.#options.clock.now()
    const known = this.#members.get(node)
    if (known?.sender === sender) {
      known.heard = heard
      return
    }
    // It was started anew.
    if (known !== undefined) this.#drop(node)
    else if (this.#members.size >= MOST) return
    this.#members.set(node, { sender, heard })
    this.#options.nodeUp(node)
  }

  #forget({ node, sender }: Packet): void {
    if (this.#members.get(node)?.sender === sender) this.#drop(node)
  }

  #drop(name: string): void {
    this.#members.delete(name)
    for (const question of this.#questions.values()) settle(question, name)
    this.#options.nodeDown(name)
  }

  #answer(node: string, question: Term): boolean {
    if (!Array.isArray(question) || question.length !== 2) return false
    const [id, topic] = question as Term[]
    if (!Number.isSafeInteger(id) || typeof topic !== 'string') return false
    if (this.#announces) this.#tell(COUNTED, [id as number, this.#options.localCount(topic)], node)
    return true
  }

  #answered(node: string, answer: Term): boolean {
    if (!Array.isArray(answer) || answer.length !== 2) return false
    const [id, count] = answer as Term[]
    if (!Number.isSafeInteger(id) || !Number.isSafeInteger(count) || (count as number) < 0) return false
    const question = this.#questions.get(id as number)
    if (question === undefined || !question.missing.has(node)) return true
    question.answers.set(node, count as number)
    settle(question, node)
    return true
  }

  /** To one node, or to all. */
  #tell(kind: number, term?: Term, node?: string): void {
    if (this.#closed) return
    const { sender, subjects } = this.#options
    const head = header(kind, sender, this.#options.node, undefined)
    const subject = node === undefined ? subjects.members : subjects.ofNode(node)
    if (term === undefined) return this.#options.send(subject, head)
    const body = encode(term)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(body.length)
    this.#options.send(subject, Buffer.concat([head, length, body]))
  }

  #warn(): void {
    if (this.#warned) return
    this.#warned = true
    const { logger, node } = this.#options
    logger.warn({ node }, `another node takes part on NATS by the name ${node}: what is for one of them reaches both`)
  }
}

function settle(question: Question, node: string): void {
  question.missing.delete(node)
  if (question.missing.size === 0) question.done()
}
