import { TsunagiError } from '../../src/base/errors.ts'
import type { Logger } from '../../src/base/logger.ts'
import { ProcessSystem } from '../../src/process/process-system.ts'
import type { InboundSignals, Router, UnlinkId } from '../../src/process/router.ts'
import { type Atom, atom } from '../../src/term/atom.ts'
import type { Pid, Reference } from '../../src/term/identifiers.ts'
import type { Term } from '../../src/term/term.ts'
import { FakeClock } from '../../src/testing/fake-clock.ts'

type Signal = { readonly name: string; readonly act: (inbound: InboundSignals) => void }

/** Keeps what was logged. */
export class LogBook implements Logger {
  readonly lines: { level: string; message: string; data: object }[] = []
  debug = (data: object, message: string): void => void this.lines.push({ level: 'debug', data, message })
  info = (data: object, message: string): void => void this.lines.push({ level: 'info', data, message })
  warn = (data: object, message: string): void => void this.lines.push({ level: 'warn', data, message })
  error = (data: object, message: string): void => void this.lines.push({ level: 'error', data, message })

  messages(level: string): string[] {
    return this.lines.filter((line) => line.level === level).map((line) => line.message)
  }
}

/** One node of a {@link FakeNetwork}. */
export interface FakeNode {
  readonly name: Atom
  readonly system: ProcessSystem
  readonly clock: FakeClock
  readonly log: LogBook
  /** The names of all signals it sent to other nodes, in order. */
  readonly sent: string[]
}

/**
 * Passes signals between process systems as links do: in order, later than the call that sent them. Nodes that were not
 * cut apart are connected; a signal to one that cannot be reached fails the dial.
 */
export class FakeNetwork {
  readonly #nodes = new Map<Atom, FakeNode>()
  readonly #cut = new Set<string>()
  readonly #held = new Set<string>()
  readonly #lines = new Map<string, Signal[]>()
  /** False answers of `send`. */
  congested = false
  /** Makes all signals that may be refused throw `ERR_LINK_FULL`. */
  full = false
  /** False makes all messages throw `ERR_ATOM_LIMIT`. */
  atoms = true

  node(text: string, limits?: { mailboxMessages: number; mailboxBytes: number }): FakeNode {
    const name = atom(text)
    const sent: string[] = []
    const clock = new FakeClock()
    const log = new LogBook()
    const router = new FakeRouter(
      name,
      (to, signal) => {
        sent.push(signal.name)
        this.#pass(name, to, signal)
        return !this.congested
      },
      () => {
        if (this.full) throw new TsunagiError('ERR_LINK_FULL', 'full')
        if (!this.atoms) throw new TsunagiError('ERR_ATOM_LIMIT', 'too many atoms')
      },
    )
    const options = limits === undefined ? { clock, logger: log } : { clock, logger: log, limits }
    const node = { name, system: new ProcessSystem(router, options), clock, log, sent }
    this.#nodes.set(name, node)
    return node
  }

  /** The link between two nodes goes down; what was under way is lost. */
  cut(a: FakeNode, b: FakeNode): void {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      this.#cut.add(lineOf(from.name, to.name))
      this.#lines.delete(lineOf(from.name, to.name))
      from.system.inbound.linkDown(to.name)
    }
  }

  heal(a: FakeNode, b: FakeNode): void {
    this.#cut.delete(lineOf(a.name, b.name))
    this.#cut.delete(lineOf(b.name, a.name))
  }

  /** Keeps signals from `a` to `b` under way until {@link FakeNetwork.release}. */
  hold(a: FakeNode, b: FakeNode): void {
    this.#held.add(lineOf(a.name, b.name))
  }

  release(a: FakeNode, b: FakeNode): void {
    this.#held.delete(lineOf(a.name, b.name))
    this.#flush(a.name, b.name)
  }

  #pass(from: Atom, to: Atom, signal: Signal): void {
    const line = lineOf(from, to)
    if (this.#cut.has(line) || !this.#nodes.has(to)) {
      queueMicrotask(() => this.#nodes.get(from)?.system.inbound.linkDown(to))
      return
    }
    const waiting = this.#lines.get(line)
    if (waiting !== undefined) {
      waiting.push(signal)
      return
    }
    this.#lines.set(line, [signal])
    queueMicrotask(() => this.#flush(from, to))
  }

  #flush(from: Atom, to: Atom): void {
    const line = lineOf(from, to)
    if (this.#held.has(line)) return
    const signals = this.#lines.get(line) ?? []
    this.#lines.delete(line)
    for (const signal of signals) {
      const receiver = this.#nodes.get(to)
      if (receiver !== undefined) signal.act(receiver.system.inbound)
    }
  }
}

function lineOf(from: Atom, to: Atom): string {
  return `${from.name} ${to.name}`
}

class FakeRouter implements Router {
  readonly nodeAtom: Atom
  readonly creation = 7
  readonly #pass: (to: Atom, signal: Signal) => boolean
  readonly #admit: () => void

  constructor(nodeAtom: Atom, pass: (to: Atom, signal: Signal) => boolean, admit: () => void) {
    this.nodeAtom = nodeAtom
    this.#pass = pass
    this.#admit = admit
  }

  sendToPid(_from: Pid, to: Pid, message: Term): boolean {
    this.#check(message)
    const { id, serial, creation } = to
    return this.#pass(to.nodeAtom, {
      name: 'send',
      act: (i) => i.receiverByPid(id, serial, creation)?.deliver(message, 10, this.nodeAtom),
    })
  }

  sendToName(_from: Pid, node: Atom, name: Atom, message: Term): boolean {
    this.#check(message)
    return this.#pass(node, {
      name: 'regSend',
      act: (i) => i.receiverByName(name)?.deliver(message, 10, this.nodeAtom),
    })
  }

  sendToAlias(_from: Pid, to: Reference, message: Term): boolean {
    this.#check(message)
    return this.#pass(to.nodeAtom, {
      name: 'aliasSend',
      act: (i) => i.receiverByAlias(to)?.deliver(message, 10, this.nodeAtom),
    })
  }

  link(from: Pid, to: Pid): void {
    this.#admit()
    this.#pass(to.nodeAtom, { name: 'link', act: (i) => i.handleLink(this.nodeAtom, from, to) })
  }

  unlink(id: UnlinkId, from: Pid, to: Pid): void {
    this.#pass(to.nodeAtom, { name: 'unlink', act: (i) => i.handleUnlink(this.nodeAtom, id, from, to) })
  }

  unlinkAck(id: UnlinkId, from: Pid, to: Pid): void {
    this.#pass(to.nodeAtom, { name: 'unlinkAck', act: (i) => i.handleUnlinkAck(this.nodeAtom, id, from, to) })
  }

  exit(from: Pid, to: Pid, reason: Term): void {
    checkTerm(reason)
    this.#pass(to.nodeAtom, { name: 'exit', act: (i) => i.handleExit(this.nodeAtom, from, to, reason) })
  }

  exit2(from: Pid, to: Pid, reason: Term): void {
    checkTerm(reason)
    this.#pass(to.nodeAtom, { name: 'exit2', act: (i) => i.handleExit2(this.nodeAtom, from, to, reason) })
  }

  monitor(from: Pid, node: Atom, target: Pid | Atom, ref: Reference): void {
    this.#admit()
    this.#pass(node, { name: 'monitor', act: (i) => i.handleMonitor(this.nodeAtom, from, target, ref) })
  }

  demonitor(from: Pid, node: Atom, _target: Pid | Atom, ref: Reference): void {
    this.#pass(node, { name: 'demonitor', act: (i) => i.handleDemonitor(this.nodeAtom, from, ref) })
  }

  monitorExit(from: Pid | Atom, to: Pid, ref: Reference, reason: Term): void {
    checkTerm(reason)
    const act = (i: InboundSignals) => i.handleMonitorExit(this.nodeAtom, from, to, ref, reason)
    this.#pass(to.nodeAtom, { name: 'monitorExit', act })
  }

  #check(message: Term): void {
    this.#admit()
    checkTerm(message)
  }
}

/** As the encoder does, of which this room knows nothing. */
function checkTerm(term: unknown): void {
  if (typeof term === 'function') throw new TsunagiError('ERR_ENCODE', 'a function is no term')
  if (Array.isArray(term)) for (const element of term) checkTerm(element)
}
