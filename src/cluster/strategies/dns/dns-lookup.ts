import { Resolver } from 'node:dns/promises'
import { isIPv4 } from 'node:net'
import { abortable } from '../../../base/deadline.ts'
import { TsunagiError } from '../../../base/errors.ts'
import { textOf } from '../../discovery-error.ts'
import type { StrategyContext } from '../../strategy.ts'
import { candidates, readSearchRules, type SearchRules } from './resolv-conf.ts'

/** How servers are asked. */
export interface DnsSettings {
  /** Undefined: those of the system. */
  readonly servers: readonly string[] | undefined
  /** Undefined: what `/etc/resolv.conf` says. */
  readonly search: readonly string[] | undefined
  readonly ndots: number | undefined
  /** Milliseconds for a whole lookup. */
  readonly timeout: number
  /** Questions, as `A app.internal`, that were answered once: with them the strategy remembers what a server can do. */
  readonly answered: Set<string>
}

/** Questions that are remembered; hosts that SRV records name come and go. */
const MAX_ANSWERED = 10_000

/** What came of one question. */
export interface Records<T> {
  readonly records: readonly T[]
  /** Questions that were not answered though another was. */
  readonly errors: readonly Error[]
}

/** One kind of record to ask for. */
export interface Question<T> {
  readonly type: string
  ask(resolver: Resolver, name: string): Promise<readonly T[]>
}

export const A: Question<string> = { type: 'A', ask: (resolver, name) => resolver.resolve4(name) }
export const AAAA: Question<string> = { type: 'AAAA', ask: (resolver, name) => resolver.resolve6(name) }

/** How often each server is asked, and for how many milliseconds the first time; the second takes twice as long. */
const TRIES = 2
const PATIENCE = 1000

/**
 * One lookup's questions to DNS. It asks by itself instead of by `dns.lookup`, which completes names too, but occupies a thread of
 * the pool as long as a server is silent, cannot be given up, takes no servers, and does not tell what went wrong.
 */
export class DnsLookup {
  readonly #resolver: Resolver
  readonly #rules: SearchRules
  readonly #timeout: number
  readonly #answered: Set<string>
  #late = false

  private constructor(resolver: Resolver, rules: SearchRules, { timeout, answered }: DnsSettings) {
    this.#resolver = resolver
    this.#rules = rules
    this.#timeout = timeout
    this.#answered = answered
    if (answered.size > MAX_ANSWERED) answered.clear()
  }

  /**
   * What is asked within `work` has `timeout` milliseconds; then it fails, and what was answered by then is there. Rejects at once
   * with the signal's reason when that aborts.
   */
  static async run<T>(
    settings: DnsSettings,
    { signal, clock }: Pick<StrategyContext, 'signal' | 'clock'>,
    work: (lookup: DnsLookup) => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted()
    const { search, ndots, servers, timeout } = settings
    const known = search === undefined || ndots === undefined ? await readSearchRules(signal) : undefined
    const rules = { search: search ?? known?.search ?? [], ndots: ndots ?? known?.ndots ?? 1 }
    // Anew for each lookup: it reads the system's servers when it is made.
    const resolver = new Resolver({ timeout: PATIENCE, tries: TRIES })
    if (servers !== undefined) resolver.setServers(servers)
    const lookup = new DnsLookup(resolver, rules, settings)
    const timer = clock.after(timeout, () => {
      lookup.#late = true
      resolver.cancel()
    })
    try {
      return await abortable(work(lookup), signal)
    } finally {
      timer.cancel()
      lookup.#late = true
      resolver.cancel()
    }
  }

  /**
   * All records of the first name that has any, of those that `name` may stand for. None says that a name exists, but has no
   * record of these types.
   *
   * @throws TsunagiError `ERR_DISCOVERY` when no such name exists, or a server does not say
   */
  async find<T>(name: string, questions: readonly Question<T>[]): Promise<Records<T>> {
    const tried = candidates(name, this.#rules)
    const errors: Error[] = []
    let exists = false
    for (const candidate of tried) {
      const answer = await this.#ask(candidate, questions)
      errors.push(...answer.errors)
      if (answer.records.length > 0) return { records: answer.records, errors }
      exists ||= answer.exists
    }
    if (errors.length > 0) throw errors.length === 1 ? errors[0] : manyFailed(errors)
    if (exists) return { records: [], errors }
    const others = tried.length > 1 || tried[0] !== name ? `: tried ${tried.join(', ')}` : ''
    throw new TsunagiError('ERR_DISCOVERY', `there is no name ${name} (NXDOMAIN)${others}`)
  }

  /** The names that an address has. @throws TsunagiError `ERR_DISCOVERY` */
  async namesOf(address: string): Promise<readonly string[]> {
    try {
      if (this.#late) throw this.#tooLate()
      // Not `reverse`, to which every failure is a name that does not exist, and which also reads /etc/hosts.
      return await this.#resolver.resolvePtr(reverseName(address))
    } catch (error) {
      throw this.#failed(address, 'PTR', error)
    }
  }

  async #ask<T>(name: string, questions: readonly Question<T>[]): Promise<Records<T> & { exists: boolean }> {
    const records: T[] = []
    const errors: Error[] = []
    let exists = false
    if (this.#late) return { records, errors: [this.#failed(name, questions[0]?.type ?? '', this.#tooLate())], exists }
    const asked = await Promise.allSettled(questions.map(({ ask }) => ask(this.#resolver, name)))
    for (const outcome of asked) if (outcome.status === 'fulfilled') records.push(...outcome.value)
    for (const [i, outcome] of asked.entries()) {
      const type = questions[i]?.type ?? ''
      const code = outcome.status === 'fulfilled' ? undefined : (outcome.reason as NodeJS.ErrnoException).code
      if (outcome.status === 'fulfilled' || code === 'ENODATA') {
        exists = true
        this.#answered.add(`${type} ${name}`)
      } else if (records.length > 0 && isRefusal(code) && !this.#answered.has(`${type} ${name}`)) continue
      else if (code !== 'ENOTFOUND') errors.push(this.#failed(name, type, outcome.reason))
    }
    return { records, errors, exists }
  }

  #failed(name: string, type: string, cause: unknown): TsunagiError {
    const code = (cause as NodeJS.ErrnoException).code ?? ''
    const known = Object.hasOwn(MEANINGS, code) ? MEANINGS[code] : textOf(cause)
    const why = code === 'ECANCELLED' ? this.#tooLate().message : known
    return new TsunagiError('ERR_DISCOVERY', `${type} of ${name}: ${why}`, { cause })
  }

  #tooLate(): TsunagiError {
    return new TsunagiError('ERR_TIMEOUT', `no answer within ${this.#timeout} ms`)
  }
}

/**
 * A server that answers one type for a name and never would another has none of the other, as dnsmasq with nobody to pass the
 * question on to. Taken for a gap, no answer would ever be whole.
 */
function isRefusal(code: string | undefined): boolean {
  return code === 'EREFUSED' || code === 'ENOTIMP'
}

/** The name under which DNS keeps the names of an address. Source: RFC 1035 and 3596. */
export function reverseName(address: string): string {
  if (isIPv4(address)) return `${address.split('.').reverse().join('.')}.in-addr.arpa`
  // As a URL has it there is no IPv4 address at its end.
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':').map((group) => group.padStart(4, '0')))
  const [front = '', back = ''] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const [first, last] = [groups(front), groups(back)]
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => '0000')
  return `${[...[...first, ...zeros, ...last].join('')].reverse().join('.')}.ip6.arpa`
}

/** What the codes of `node:dns` mean, where the code alone says too little. */
const MEANINGS: Readonly<Record<string, string>> = {
  EBADNAME: 'that is no name DNS could have',
  EBADRESP: 'the answer cannot be read',
  ECONNREFUSED: 'no server listens',
  EFORMERR: 'the server does not understand the question (FORMERR)',
  ENODATA: 'it has none',
  ENOTFOUND: 'there is no such name (NXDOMAIN)',
  ENOTIMP: 'the server cannot do that (NOTIMP)',
  EREFUSED: 'the server refuses to answer (REFUSED)',
  ESERVFAIL: 'the server failed (SERVFAIL)',
  ETIMEOUT: 'no server answered in time',
}

/** Reasons that one message names, of many that are different. */
const MAX_REASONS = 5

/** One error for several. */
export function manyFailed(errors: readonly unknown[]): AggregateError {
  const reasons = [...new Set(errors.map(textOf))]
  const rest = reasons.length > MAX_REASONS ? [`and ${reasons.length - MAX_REASONS} more`] : []
  return new AggregateError(errors, [...reasons.slice(0, MAX_REASONS), ...rest].join('; '))
}
