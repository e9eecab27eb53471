import { type Atom, Pid, Reference } from '../term/index.ts'
import { OutgoingFragments } from './fragments.ts'
import type { Outbox } from './outbox.ts'

/** Whom a signal is for, as it names them. */
export type Target = Pid | Atom | Reference

/** A complete message, framed as one piece: length u32, 131, 68, atom header, body. */
export interface FramedMessage {
  readonly frame: Buffer
  /** Where the body begins. */
  readonly bodyOffset: number
  /** Whether it leaves as fragments. */
  readonly fragmented: boolean
}

/** The big message to one target that is under way, and what must not overtake it. */
interface Stream {
  readonly sender: Sender
  readonly to: Target
  readonly key: string
  current: OutgoingFragments
  readonly waiting: FramedMessage[]
}

/**
 * A process with big messages under way. A target has as many names as one can call it by, and a message to it by pid must
 * not overtake one to it by name. We cannot know whether a pid and a name are the same process, so a message to another
 * kind of target waits until all that is under way has left, and everything behind it waits too.
 */
interface Sender {
  readonly key: string
  readonly streams: Map<string, Stream>
  readonly waiting: { readonly to: Target; readonly message: FramedMessage }[]
  releasing: boolean
}

/** Bytes of length, version and tag before the atom header. */
const BEFORE_ATOMS = 6

/**
 * Big messages on their way out. Each time the carrier has room, every one of them may put in a fragment in turn, so
 * that small messages and other big ones get through in between.
 */
export class BigMessages {
  readonly #outbox: Outbox
  readonly #senders = new Map<string, Sender>()
  readonly #streams = new Set<Stream>()
  #sequence = 0
  #waitingBytes = 0

  constructor(outbox: Outbox) {
    this.#outbox = outbox
  }

  /** Whether any message is under way. */
  get busy(): boolean {
    return this.#streams.size > 0
  }

  /** Bytes not yet given to the outbox. */
  get bytesLeft(): number {
    let bytes = this.#waitingBytes
    if (this.#streams.size > 0) for (const stream of this.#streams) bytes += stream.current.bytesLeft
    return bytes
  }

  /** Whether a message between these two must wait for one under way. */
  holds(from: Pid, to: Target): boolean {
    const sender = this.#senders.get(from.key)
    return sender !== undefined && (sender.streams.has(keyOf(to)) || mustWait(sender, to))
  }

  /**
   * Takes a message. The first fragment of one that need not wait leaves at once: its header tells the peer about atoms
   * that messages behind it already rely on.
   */
  add(from: Pid, to: Target, message: FramedMessage): void {
    let sender = this.#senders.get(from.key)
    if (sender === undefined) {
      sender = { key: from.key, streams: new Map(), waiting: [], releasing: false }
      this.#senders.set(from.key, sender)
    }
    if (mustWait(sender, to)) {
      sender.waiting.push({ to, message })
      this.#waitingBytes += message.frame.length
      return
    }
    this.#take(sender, to, message)
    this.#forget(sender)
    if (!this.#outbox.blocked) this.feed()
  }

  /** Puts in fragments, one of each message in turn, until the carrier is full. */
  feed(): void {
    while (this.#streams.size > 0 && !this.#outbox.blocked) {
      const [stream] = this.#streams
      if (stream === undefined) return
      // To the end of the row, wherever the carrier becomes full: the next feed goes on with the next one.
      this.#streams.delete(stream)
      this.#streams.add(stream)
      this.#put(stream)
    }
  }

  /** Puts everything in, however full the carrier is: nothing will be fed any more. */
  flush(): void {
    while (this.#streams.size > 0) for (const stream of [...this.#streams]) this.#put(stream)
  }

  #take(sender: Sender, to: Target, message: FramedMessage): void {
    const key = keyOf(to)
    const stream = sender.streams.get(key)
    if (stream !== undefined) {
      stream.waiting.push(message)
      this.#waitingBytes += message.frame.length
    } else if (message.fragmented) {
      const started = { sender, to, key, current: this.#cut(message), waiting: [] }
      sender.streams.set(key, started)
      this.#streams.add(started)
      this.#put(started)
    } else {
      this.#outbox.push(message.frame)
    }
  }

  #put(stream: Stream): void {
    for (const part of stream.current.next()) this.#outbox.push(part)
    if (stream.current.done) this.#advance(stream)
  }

  /** The target's next big message, after the small ones that waited before it. */
  #advance(stream: Stream): void {
    const { sender, waiting } = stream
    for (const [i, next] of waiting.entries()) {
      this.#waitingBytes -= next.frame.length
      if (next.fragmented) {
        stream.current = this.#cut(next)
        waiting.splice(0, i + 1)
        return
      }
      this.#outbox.push(next.frame)
    }
    sender.streams.delete(stream.key)
    this.#streams.delete(stream)
    if (sender.streams.size === 0 && !sender.releasing) this.#release(sender)
  }

  /** What waited for all messages of a sender, up to where it has to wait again. */
  #release(sender: Sender): void {
    const { waiting } = sender
    sender.releasing = true
    let released = 0
    for (const { to, message } of waiting) {
      if (isAmbiguous(sender, to)) break
      released++
      this.#waitingBytes -= message.frame.length
      this.#take(sender, to, message)
    }
    waiting.splice(0, released)
    sender.releasing = false
    this.#forget(sender)
  }

  #forget(sender: Sender): void {
    if (sender.streams.size === 0 && sender.waiting.length === 0) this.#senders.delete(sender.key)
  }

  #cut({ frame, bodyOffset }: FramedMessage): OutgoingFragments {
    this.#sequence = this.#sequence === Number.MAX_SAFE_INTEGER ? 1 : this.#sequence + 1
    return new OutgoingFragments(this.#sequence, frame.subarray(BEFORE_ATOMS, bodyOffset), frame.subarray(bodyOffset))
  }
}

function mustWait(sender: Sender, to: Target): boolean {
  return sender.waiting.length > 0 || isAmbiguous(sender, to)
}

/** Whether one of the messages under way may be for the same process by another name. */
function isAmbiguous(sender: Sender, to: Target): boolean {
  for (const stream of sender.streams.values()) if (kindOf(stream.to) !== kindOf(to)) return true
  return false
}

function kindOf(to: Target): 'pid' | 'alias' | 'name' {
  return to instanceof Pid ? 'pid' : to instanceof Reference ? 'alias' : 'name'
}

function keyOf(to: Target): string {
  return 'key' in to ? to.key : to.name
}
