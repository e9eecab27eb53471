import type { ClusterModel } from './cluster-model.ts'
import type { KnownNode } from './known-node.ts'
import type { OddPair, Problem, Verdict } from './view.ts'

const MAX_PROBLEMS = 20
const DAY = 86_400_000
/** Certificates that expire within this time are told of. */
const EXPIRING = 14 * DAY
/** An event loop that is late by more than this, in milliseconds, is slow. */
const SLOW_LOOP = 250

interface Found extends Omit<Problem, 'since'> {
  /** What comes after the text, and may be another one each time. */
  readonly detail: string
}

/** Says in a sentence how the cluster stands, and since when. */
export class VerdictWriter {
  /** Since when each problem is there. */
  readonly #since = new Map<string, number>()
  /** Who counted at some time, and is remembered. */
  readonly #members = new Set<string>()
  #is = ''
  #stands = 0

  write(model: ClusterModel, pairs: readonly OddPair[], now: number): Verdict {
    const problems = this.#problems(model, pairs, now)
    const members = [...model.nodes].filter((node) => model.isUp(node.name) && !isGuest(node))
    const up = members.length === 0 ? [model.self] : members
    const whole = wholeText(up, model)
    const text = problems[0]?.text ?? whole + goneText(this.#gone(members, model))
    // Not a word of who is gone: that they are forgotten one day changes nothing.
    const is = JSON.stringify([problems[0]?.text ?? whole, up.map((node) => node.name).sort()])
    const isFirst = this.#is === ''
    const stands = isFirst ? Math.min(now, Math.max(model.self.since, ...lastLinks(model))) : now
    if (this.#is !== is) this.#stands = problems[0]?.since ?? stands
    this.#is = is
    const since = this.#stands
    const level = problems[0]?.level ?? 'good'
    return { level, text, since, sentence: sentenceOf(level, text, since, now), problems }
  }

  /** Members of late that are down, and that nobody dials. */
  #gone(members: readonly KnownNode[], model: ClusterModel): string[] {
    for (const { name } of members) this.#members.add(name)
    for (const name of this.#members) if (model.find(name) === undefined) this.#members.delete(name)
    return [...this.#members].filter((name) => model.find(name)?.state === 'down').sort()
  }

  #problems(model: ClusterModel, pairs: readonly OddPair[], now: number): Problem[] {
    const found: Found[] = []
    const add = (level: Problem['level'], text: string, ...nodes: string[]): void =>
      void found.push({ level, text, nodes, detail: '' })
    for (const { from, to } of pairs) add('alarm', `${from} does not see ${to}`, from, to)
    for (const node of model.nodes) {
      if (node.state === 'connecting') {
        const text = `${node.name} is not connected`
        found.push({ level: 'warning', text, nodes: [node.name], detail: whyNot(node, model) })
      }
      if (node.state === 'connected') {
        if (node.answer.state === 'late') add('warning', `${node.name} does not answer`, node.name)
        if (node.answer.state === 'invalid') add('warning', `${node.name} tells what cannot be understood`, node.name)
      }
    }
    for (const node of model.nodes) {
      if (node.report !== undefined && node.sees !== undefined) this.#ofReport(node, now, add)
    }
    const old = new Set(this.#since.keys())
    const problems = found.map((problem) => {
      const key = JSON.stringify([problem.text, problem.nodes])
      old.delete(key)
      if (!this.#since.has(key)) this.#since.set(key, sinceOf(problem, pairs, model) ?? now)
      const { detail, level, nodes, text } = problem
      return { level, text: text + detail, nodes, since: this.#since.get(key) as number }
    })
    for (const key of old) this.#since.delete(key)
    // Of each level, what is about nodes comes before what is about their parts.
    return problems.sort((a, b) => Number(b.level === 'alarm') - Number(a.level === 'alarm')).slice(0, MAX_PROBLEMS)
  }

  #ofReport(node: KnownNode, now: number, add: (level: Problem['level'], text: string, ...nodes: string[]) => void) {
    const { name, report, parts } = node
    if (report === undefined) return
    if ((report.node.loopDelay?.p99 ?? 0) > SLOW_LOOP) add('warning', `the event loop of ${name} is slow`, name)
    for (const link of report.links) {
      if (link.full) add('warning', `the link from ${name} to ${link.to} is full`, name, link.to)
    }
    for (const { subject, expires } of report.node.certificates) {
      if (expires < now) add('alarm', `the certificate ${subject} of ${name} has expired`, name)
      else if (expires - now < EXPIRING) add('warning', `the certificate ${subject} of ${name} expires soon`, name)
    }
    for (const topology of parts.topologies ?? []) {
      if (topology.errors.length > 0)
        add('warning', `topology ${topology.name} of ${name} could not look everywhere`, name)
    }
    for (const store of parts.stores ?? []) {
      if (store.loader === null && store.engine === 'mesh')
        add('warning', `store ${store.name} has no loader at ${name}`, name)
    }
  }
}

/** One that only dials, and leaves again: no more than a visitor. */
export function isGuest({ answer, report, state }: KnownNode): boolean {
  if (report !== undefined) return report.node.listening === null && !report.node.visible
  return state === 'connected' && answer.state === 'waiting'
}

/** `, fully connected` only where each sees each. */
function wholeText(up: readonly KnownNode[], model: ClusterModel): string {
  if (up.length === 1) return '1 node, alone'
  const telling = up.filter((node) => node.sees !== undefined)
  const full = telling.every((node) => up.every((other) => other === node || node.sees?.has(other.name) === true))
  const all =
    telling.length === up.length || up.every((node) => node.sees !== undefined || model.seenBy(node.name).length > 0)
  return `${up.length} nodes, ${full && all ? 'fully connected' : 'connected, not each with each'}`
}

/** That nobody misses a node may be meant so, or the last one that knew it has given up: the sentence says it. */
function goneText(names: readonly string[]): string {
  if (names.length === 0) return ''
  return names.length === 1 ? `, ${names[0]} gone` : `, ${names.length} nodes gone`
}

/** By this node's own word, or else by that of any other that dials it. */
function whyNot(node: KnownNode, model: ClusterModel): string {
  for (const { report, sees } of [model.self, ...model.nodes]) {
    const error = sees === undefined ? undefined : report?.links.find((link) => link.to === node.name)?.error
    if (error != null) return `: ${error.reason}`
  }
  return ''
}

function sinceOf(problem: Found, pairs: readonly OddPair[], model: ClusterModel): number | undefined {
  const [from, to] = problem.nodes
  const pair = pairs.find((it) => problem.level === 'alarm' && it.from === from && it.to === to)
  if (pair !== undefined) return pair.since
  const node = from === undefined ? undefined : model.find(from)
  return node?.state === 'connecting' ? node.since : undefined
}

function lastLinks(model: ClusterModel): number[] {
  return (model.self.report?.links ?? []).flatMap(({ upSince }) => (upSince === null ? [] : [upSince]))
}

function sentenceOf(level: Verdict['level'], text: string, since: number, now: number): string {
  if (level === 'good') return `${text}, stable for ${lasting(now - since)}`
  const at = new Date(since)
  const day = now - since > DAY ? `${at.toISOString().slice(0, 10)} ` : ''
  return `${text} since ${day}${at.toTimeString().slice(0, 8)}`
}

/** `3 h`; no finer than anybody needs. */
export function lasting(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 1) return 'less than a minute'
  if (minutes < 120) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`
}
