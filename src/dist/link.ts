import type { Clock, Timer } from '../base/clock.ts'
import { TsunagiError } from '../base/errors.ts'
import type { Limits } from '../base/limits.ts'
import { Decoder } from '../term/decoder.ts'
import { type Atom, atom, type DecodeOptions } from '../term/index.ts'
import { AtomBudget, IncomingAtomCache } from './atom-cache.ts'
import type { LinkTls } from './carrier.ts'
import { ControlReader } from './control-reader.ts'
import { DFLAG } from './flags.ts'
import { IncomingFragments } from './fragments.ts'
import { FrameReader } from './frame-reader.ts'
import type { Welcome } from './handshake-state.ts'
import { LinkSender } from './link-sender.ts'
import { ProtocolError } from './protocol-error.ts'
import type { Established } from './setup.ts'
import type { SignalHandler } from './signals.ts'

/**
 * Why a link ended, named as OTP's `nodedown_reason`; `protocol_error` is ours: the peer sent what OTP logs as an
 * invalid distribution message.
 */
export type LinkDownReason = 'connection_closed' | 'disconnect' | 'net_tick_timeout' | 'protocol_error' | 'replaced'

/** How a link counts. */
export interface LinkStats {
  readonly bytesIn: number
  readonly bytesOut: number
  readonly messagesIn: number
  readonly messagesOut: number
  readonly queuedBytes: number
}

/** Options of a {@link Link}. */
export interface LinkOptions {
  readonly established: Established
  readonly handler: SignalHandler
  readonly clock: Clock
  readonly limits: Limits
  /** Milliseconds without a byte from the peer after which it counts as down; it is looked at four times as often. */
  readonly netTickTime: number
  readonly terms: DecodeOptions
  /** Plain objects' keys become binaries instead of atoms. */
  readonly stringKeys: boolean
  /** The peer is a node of this package: bytes stay bytes, and it frees atoms. */
  readonly ours: boolean
  /** Called once, last. `error` is set when the peer's bytes or its connection were at fault. */
  readonly onDown: (reason: LinkDownReason, error: Error | undefined) => void
  /** A send answered false before; now there is room again. */
  readonly onDrained: () => void
}

const VERSION = 131
const PASS_THROUGH = 112
const DIST_HEADER = 68
const FIRST_FRAGMENT = 69
const NEXT_FRAGMENT = 70
/** Ticks per `netTickTime` (OTP's `net_tickintensity`). */
const TICK_INTENSITY = 4

/** An established connection to another node: signals in both directions, ticks, and its end. */
export class Link {
  readonly peer: Atom
  readonly peerCreation: number
  /** The peer did not announce itself as visible. */
  readonly hidden: boolean
  /** The flags both sides agreed on. */
  readonly flags: bigint
  readonly remoteAddress: string | undefined
  /** Undefined without TLS. */
  readonly tls: LinkTls | undefined
  /** How the peer let us in; undefined when it dialled. */
  readonly welcome: Welcome | undefined
  /** The way out. */
  readonly send: LinkSender
  readonly #options: LinkOptions
  readonly #frames: FrameReader
  readonly #atoms = new IncomingAtomCache()
  readonly #fragments: IncomingFragments
  readonly #decoder: Decoder
  readonly #control: ControlReader
  readonly #header: boolean
  /** Queued bytes above which the peer is not read: more than messages alone can make of them. */
  readonly #stopReading: number
  #reads = true
  #bytesIn = 0
  #messagesIn = 0
  #down = false
  #ticker: Timer | undefined
  #bytesSeen = 0
  #bytesSent = 0
  #bytesWritten = 0
  #quietTicks = 0

  constructor(options: LinkOptions) {
    const { established, limits } = options
    this.#options = options
    this.peer = atom(established.peerName)
    this.peerCreation = established.peerCreation
    this.hidden = established.hidden
    this.flags = established.flags
    this.remoteAddress = established.carrier.remoteAddress
    this.tls = established.carrier.tls
    this.welcome = established.welcome
    this.#header = (this.flags & (DFLAG.DIST_HDR_ATOM_CACHE | DFLAG.FRAGMENTS)) !== 0n
    this.#stopReading = limits.linkMax + limits.fragmentedBytes
    this.#fragments = new IncomingFragments(limits)
    this.#frames = new FrameReader(limits.frameBytes, (bytes, start, end, owned) =>
      this.#frame(bytes, start, end, owned),
    )
    this.#decoder = new Decoder(options.terms, limits)
    this.#control = new ControlReader(this.#decoder, {
      self: atom(established.ownName),
      peer: this.peer,
      handler: options.handler,
      terms: options.terms,
      versions: !this.#header,
    })
    this.send = new LinkSender({
      carrier: established.carrier,
      flags: this.flags,
      limits,
      stringKeys: options.stringKeys,
      budget: options.ours ? undefined : new AtomBudget(limits),
      onDrained: () => {
        if (!this.#down) options.onDrained()
      },
      onWritten: () => this.#readAgain(),
    })
    if (options.ours) this.send.peerIsOurs()
  }

  /** Starts reading and ticking, unless it was closed before. Signals may arrive before this returns. */
  open(): void {
    if (this.#down) return
    const { carrier, leftover } = this.#options.established
    carrier.open({
      consumes: true,
      data: (chunk) => this.#data(chunk),
      drain: () => this.send.drained(),
      closed: (error) => this.#end('connection_closed', error),
    })
    this.#scheduleTick()
    if (leftover.length > 0) this.#data(leftover)
  }

  get down(): boolean {
    return this.#down
  }

  get stats(): LinkStats {
    return {
      bytesIn: this.#bytesIn,
      bytesOut: this.send.bytes,
      messagesIn: this.#messagesIn,
      messagesOut: this.send.messages,
      queuedBytes: this.send.queuedBytes,
    }
  }

  /** Ends the link. What is queued still leaves when `reason` is `disconnect`; otherwise it is lost. */
  close(reason: LinkDownReason = 'disconnect'): void {
    this.#end(reason, undefined)
  }

  #end(reason: LinkDownReason, error: Error | undefined): void {
    if (this.#down) return
    this.#down = true
    this.#ticker?.cancel()
    const { carrier } = this.#options.established
    this.send.close()
    if (reason === 'disconnect') carrier.close()
    else carrier.destroy()
    this.#options.onDown(reason, error)
  }

  #data(chunk: Uint8Array): void {
    if (this.#down) return
    this.#bytesIn += chunk.length
    try {
      this.#frames.push(chunk)
    } catch (error) {
      const cause = error instanceof TsunagiError ? error : new ProtocolError('a signal could not be handled', error)
      this.#end('protocol_error', cause)
    }
    if (this.#reads && this.send.queuedBytes > this.#stopReading) this.#readNoMore()
  }

  /**
   * Answers to links, monitors and spawn requests are never refused. A peer that asks and does not read what it gets is
   * therefore asked to wait, by TCP, until it has caught up.
   */
  #readNoMore(): void {
    if (this.#down) return
    this.#reads = false
    this.#options.established.carrier.pause()
  }

  #readAgain(): void {
    if (this.#reads || this.#down || this.send.queuedBytes > this.#options.limits.linkMax) return
    this.#reads = true
    this.#options.established.carrier.resume()
  }

  #frame(bytes: Buffer, start: number, end: number, owned: boolean): void {
    // A signal before this one in the same chunk may have ended the link.
    if (this.#down) return
    if (!this.#header) {
      if (bytes[start] !== PASS_THROUGH) throw new ProtocolError(`a frame that begins with ${bytes[start]}`)
      return this.#message(bytes, start + 1, end, owned, end - start)
    }
    if (bytes[start] !== VERSION || end - start < 3) throw new ProtocolError('a frame without its distribution header')
    switch (bytes[start + 1]) {
      case DIST_HEADER: {
        const at = this.#atoms.readHeader(bytes, start + 2, end)
        this.#decoder.refs = this.#atoms.refs
        this.#decoder.refCount = this.#atoms.count
        return this.#message(bytes, at, end, owned, end - start)
      }
      case FIRST_FRAGMENT:
      case NEXT_FRAGMENT:
        return this.#fragment(bytes, start, end, owned)
      default:
        throw new ProtocolError(`a frame whose header has the tag ${bytes[start + 1]}`)
    }
  }

  #fragment(bytes: Buffer, start: number, end: number, owned: boolean): void {
    if ((this.flags & DFLAG.FRAGMENTS) === 0n) throw new ProtocolError('a fragment, which was not agreed on')
    if (end - start < 18) throw new ProtocolError('a frame ends inside its distribution header')
    const sequence = bytes.readBigUInt64BE(start + 2)
    const left = bytes.readBigUInt64BE(start + 10)
    const isFirst = bytes[start + 1] === FIRST_FRAGMENT
    const at = isFirst ? this.#atoms.readHeader(bytes, start + 18, end) : start + 18
    // A view of a socket's chunk, or of a pool, would keep all of it; a frame that was put together is ours anyway.
    const data = owned ? bytes.subarray(at, end) : copyOf(bytes.subarray(at, end))
    const message = isFirst
      ? this.#fragments.first(sequence, left, this.#atoms.refs.slice(0, this.#atoms.count), data)
      : this.#fragments.next(sequence, left, data)
    if (message === undefined) return
    this.#decoder.refs = message.refs
    this.#decoder.refCount = message.refs.length
    this.#message(message.bytes, 0, message.bytes.length, true, message.bytes.length)
  }

  #message(bytes: Buffer, start: number, end: number, owned: boolean, size: number): void {
    this.#messagesIn++
    const decoder = this.#decoder
    decoder.lend = owned
    decoder.reset(bytes, start, end)
    this.#control.read(size)
  }

  #scheduleTick(): void {
    const interval = this.#options.netTickTime / TICK_INTENSITY
    if (!Number.isFinite(interval)) return
    this.#ticker = this.#options.clock.after(interval, () => this.#tick())
  }

  /**
   * Source: `dist_util:con_loop/2`. Down after four intervals without a byte; a tick after one without a send. A peer that
   * is not read shows that it lives by reading.
   */
  #tick(): void {
    const { writtenBytes } = this.send
    const lives = this.#bytesIn !== this.#bytesSeen || (!this.#reads && writtenBytes !== this.#bytesWritten)
    this.#quietTicks = lives ? 0 : this.#quietTicks + 1
    this.#bytesSeen = this.#bytesIn
    this.#bytesWritten = writtenBytes
    if (this.#quietTicks >= TICK_INTENSITY) return this.#end('net_tick_timeout', undefined)
    if (this.send.bytes === this.#bytesSent && this.send.queuedBytes === 0) this.send.tick()
    this.#bytesSent = this.send.bytes
    this.#scheduleTick()
  }
}

function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  copy.set(bytes)
  return copy
}
