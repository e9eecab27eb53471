import type { Clock } from './clock.ts'

/** Options of a {@link FailureBudget}. */
export interface FailureBudgetOptions {
  readonly clock: Clock
  /** Failures an address may have at once. `Infinity` sets no limit. */
  readonly most: number
  /** Milliseconds after which it may have as many again; they come back one by one. */
  readonly per: number
  /** Addresses that are remembered; the one that failed longest ago goes. Default 10,000. */
  readonly addresses?: number
}

interface Account {
  left: number
  at: number
}

/**
 * How often each address may fail, so that nobody gets far by trying. Of IPv6 a whole /64 counts as one, which may well be a network
 * with many machines: one that has succeeded answers for its own failures only, so that a neighbour's cannot keep it out.
 */
export class FailureBudget {
  readonly #clock: Clock
  readonly #most: number
  readonly #per: number
  readonly #addresses: number
  /** In the order of their last failure. */
  readonly #accounts = new Map<string, Account>()
  /** Addresses that have succeeded, the one that did so last is the last. */
  readonly #proven = new Set<string>()

  constructor({ clock, most, per, addresses = 10_000 }: FailureBudgetOptions) {
    this.#clock = clock
    this.#most = most
    this.#per = per
    this.#addresses = addresses
  }

  /** Milliseconds until an address may try again; 0: it may. */
  wait(address: string): number {
    const plain = plainOf(address)
    const account = this.#accounts.get(this.#proven.has(plain) ? plain : blockOf(plain))
    if (account === undefined) return 0
    const left = this.#left(account)
    return left >= 1 ? 0 : ((1 - left) * this.#per) / this.#most
  }

  /** An address failed. Answers how many failures it has left. */
  charge(address: string): number {
    if (this.#most === Number.POSITIVE_INFINITY) return this.#most
    const plain = plainOf(address)
    const block = blockOf(plain)
    const left = this.#charge(block)
    return block !== plain && this.#proven.has(plain) ? this.#charge(plain) : left
  }

  /** An address has succeeded. */
  prove(address: string): void {
    const plain = plainOf(address)
    if (plain === blockOf(plain)) return
    this.#proven.delete(plain)
    this.#proven.add(plain)
    if (this.#proven.size > this.#addresses) this.#proven.delete(this.#proven.values().next().value as string)
  }

  #charge(who: string): number {
    const account = this.#accounts.get(who) ?? { left: this.#most, at: this.#clock.now() }
    account.left = Math.max(0, this.#left(account) - 1)
    account.at = this.#clock.now()
    this.#accounts.delete(who)
    this.#accounts.set(who, account)
    if (this.#accounts.size > this.#addresses) this.#accounts.delete(this.#accounts.keys().next().value as string)
    return Math.floor(account.left)
  }

  #left({ left, at }: Account): number {
    return Math.min(this.#most, left + ((this.#clock.now() - at) * this.#most) / this.#per)
  }
}

function plainOf(address: string): string {
  return address
    .replace(/^::ffff:(?=\d+\.)/i, '')
    .replace(/%.*$/, '')
    .toLowerCase()
}

/** What counts as one address: who has one of IPv6 has 2^64 of them, but for those of one link, which all machines there share. */
export function blockOf(address: string): string {
  const plain = plainOf(address)
  if (!plain.includes(':') || /^fe[89ab]/.test(plain)) return plain
  const [head = '', tail] = plain.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0')
  return `${[...left, ...(tail === undefined ? [] : zeros), ...right].slice(0, 4).join(':')}::/64`
}
