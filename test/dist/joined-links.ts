import { defaultLimits, type Limits } from '../../src/base/limits.ts'
import type { Carrier } from '../../src/dist/carrier.ts'
import { DFLAG, ourFlags } from '../../src/dist/flags.ts'
import { Link, type LinkDownReason, type LinkOptions } from '../../src/dist/link.ts'
import { type MemoryCable, type MemoryOptions, memoryCarriers } from '../../src/dist/memory.ts'
import type { Receiver, SignalHandler, SpawnRequest } from '../../src/dist/signals.ts'
import { type Atom, type DecodeOptions, Pid, type Reference, type Term } from '../../src/term/index.ts'
import { FakeClock } from '../../src/testing/fake-clock.ts'

/** A signal as a {@link Recorder} noted it: its name, then its arguments. */
export type Noted = readonly unknown[]

/** Notes every signal, in the order of arrival, and wakes who waits for one. */
export class Recorder implements SignalHandler {
  readonly noted: Noted[] = []
  /** Told to messages' receivers. */
  terms: DecodeOptions | undefined
  /** Answers whether there is anybody under a name; what is sent to others is not noted. */
  knows: (to: unknown) => boolean = () => true
  #wake: (() => void) | undefined

  /** Resolves with all signals when there are so many. */
  async count(count: number): Promise<Noted[]> {
    while (this.noted.length < count) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.noted
  }

  #note(...signal: Noted): void {
    this.noted.push(signal)
    this.#wake?.()
  }

  #receiver(kind: string, to: unknown): Receiver | undefined {
    if (!this.knows(to)) return undefined
    return { terms: this.terms, deliver: (message: Term, bytes: number) => this.#note(kind, to, message, bytes) }
  }

  receiverByName(name: Atom): Receiver | undefined {
    return this.#receiver('name', name.name)
  }

  receiverByPid(id: number, serial: number, creation: number): Receiver | undefined {
    return this.#receiver('pid', `${id}.${serial}.${creation}`)
  }

  receiverByAlias(alias: Reference): Receiver | undefined {
    return this.#receiver('alias', alias.key)
  }

  link(from: Pid, to: Pid): void {
    this.#note('link', from, to)
  }

  unlink(id: number | bigint | undefined, from: Pid, to: Pid): void {
    this.#note('unlink', id, from, to)
  }

  unlinkAck(id: number | bigint, from: Pid, to: Pid): void {
    this.#note('unlinkAck', id, from, to)
  }

  exit(from: Pid, to: Pid, reason: Term): void {
    this.#note('exit', from, to, reason)
  }

  exit2(from: Pid, to: Pid, reason: Term): void {
    this.#note('exit2', from, to, reason)
  }

  monitor(from: Pid, target: Pid | Atom, ref: Reference): void {
    this.#note('monitor', from, target, ref)
  }

  demonitor(from: Pid, target: Pid | Atom, ref: Reference): void {
    this.#note('demonitor', from, target, ref)
  }

  monitorExit(from: Pid | Atom, to: Pid, ref: Reference, reason: Term): void {
    this.#note('monitorExit', from, to, ref, reason)
  }

  spawnRequest(request: SpawnRequest): void {
    this.#note('spawnRequest', request)
  }

  spawnReply(id: Reference, to: Pid, flags: number, result: Term): void {
    this.#note('spawnReply', id, to, flags, result)
  }
}

/** One end of a link under test. */
export interface End {
  readonly link: Link
  readonly heard: Recorder
  readonly drained: { times: number }
  /** Resolves when the link went down. */
  readonly down: Promise<{ reason: LinkDownReason; error: Error | undefined }>
}

export interface JoinOptions extends MemoryOptions {
  readonly flags?: bigint
  readonly limits?: Partial<Limits>
  readonly netTickTime?: number
  readonly more?: Partial<LinkOptions>
}

export const A = 'a@127.0.0.1'
export const B = 'b@127.0.0.1'

/** All ways in which a link frames messages, by what both sides can do. */
export const framings: readonly (readonly [string, bigint])[] = [
  ['with an atom cache and fragments', ourFlags()],
  ['with an atom cache', ourFlags({ without: DFLAG.FRAGMENTS })],
  ['with fragments', ourFlags({ without: DFLAG.DIST_HDR_ATOM_CACHE })],
  ['with neither cache nor fragments', ourFlags({ without: DFLAG.DIST_HDR_ATOM_CACHE | DFLAG.FRAGMENTS })],
]

/** Makes one end of a link over a carrier, not opened. */
export function makeEnd(carrier: Carrier, own: string, peer: string, clock: FakeClock, options: JoinOptions = {}): End {
  const { flags = ourFlags(), limits, netTickTime = Number.POSITIVE_INFINITY, more } = options
  const heard = new Recorder()
  const drained = { times: 0 }
  let settle!: (how: { reason: LinkDownReason; error: Error | undefined }) => void
  const down = new Promise<{ reason: LinkDownReason; error: Error | undefined }>((resolve) => {
    settle = resolve
  })
  const link = new Link({
    established: {
      role: 'dialler',
      carrier,
      leftover: new Uint8Array(),
      ownName: own,
      ownCreation: 1,
      peerName: peer,
      peerCreation: 2,
      peerFlags: flags,
      flags,
      hidden: true,
    },
    handler: heard,
    clock,
    limits: { ...defaultLimits, ...limits },
    netTickTime,
    terms: { floats: 'exact', maps: 'map', binaries: 'bytes' },
    stringKeys: false,
    ours: true,
    onDown: (reason, error) => settle({ reason, error }),
    onDrained: () => drained.times++,
    ...more,
  })
  return { link, heard, drained, down }
}

/** Two links joined by memory carriers, open. */
export function join(options: JoinOptions = {}): { a: End; b: End; cable: MemoryCable; clock: FakeClock } {
  const clock = new FakeClock()
  const pair = memoryCarriers({ clock, ...options })
  const a = makeEnd(pair.a, A, B, clock, options)
  const b = makeEnd(pair.b, B, A, clock, options)
  a.link.open()
  b.link.open()
  return { a, b, cable: pair.cable, clock }
}

/** A process of `node`. */
export function pid(node: string, id: number): Pid {
  return new Pid(node, id, 0, node === A ? 1 : 2)
}

/** Lets everything run that is due within this process: microtasks, ticks and deliveries over memory carriers. */
export async function settle(turns = 20): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve))
}
