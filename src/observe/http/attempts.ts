import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'

/** Wrong tokens of one address within a window before it has to wait for the window's end. */
const MOST = 10
/** Milliseconds. */
const WINDOW = 60_000
/** Addresses that are remembered; the one whose window began first goes. */
const ADDRESSES = 10_000

interface Window {
  readonly from: number
  wrong: number
}

/** Counts wrong tokens for each address, so that nobody gets far by guessing. */
export class Attempts {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #windows = new Map<string, Window>()

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
  }

  /** Milliseconds until an address may try again; 0: it may. */
  wait(address: string): number {
    const window = this.#windows.get(blockOf(address))
    if (window === undefined || window.wrong < MOST) return 0
    return Math.max(0, window.from + WINDOW - this.#clock.now())
  }

  /** The first and the last wrong token of a window are worth a line in the log. */
  wrong(address: string): void {
    const block = blockOf(address)
    const now = this.#clock.now()
    let window = this.#windows.get(block)
    if (window === undefined || now >= window.from + WINDOW) {
      window = { from: now, wrong: 0 }
      this.#windows.delete(block)
      this.#windows.set(block, window)
      if (this.#windows.size > ADDRESSES) this.#windows.delete(this.#windows.keys().next().value as string)
    }
    window.wrong++
    if (window.wrong === 1) this.#logger.warn({ address }, `dashboard: a wrong token from ${address}`)
    if (window.wrong !== MOST) return
    const text = `dashboard: ${MOST} wrong tokens from ${block}, which has to wait now`
    this.#logger.warn({ address, block, wait: this.wait(address) }, text)
  }
}

/** Who has one address of IPv6 has 2^64 of them. */
function blockOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '')
  if (!plain.includes(':')) return plain
  const [head = '', tail] = plain.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0')
  return `${[...left, ...(tail === undefined ? [] : zeros), ...right].slice(0, 4).join(':')}::/64`
}
