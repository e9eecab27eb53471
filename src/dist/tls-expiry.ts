import type { Logger } from '../base/logger.ts'
import type { OwnCertificate } from './tls-credentials.ts'

const DAY = 86_400_000
/** Days before its end at which a certificate is warned of, and its end. */
const STAGES = [0, 1, 7, 30] as const

/** Warns of certificates that are about to expire: 30, 7 and 1 days before, and when they have. */
export class ExpiryWatch {
  readonly #logger: Logger
  readonly #wallClock: () => number
  /** The stage last warned of, by fingerprint. */
  readonly #stages = new Map<string, number>()

  constructor(logger: Logger, wallClock: () => number) {
    this.#logger = logger
    this.#wallClock = wallClock
  }

  check(
    certificates: readonly OwnCertificate[],
    onExpiring: (certificate: OwnCertificate, daysLeft: number) => void,
  ): void {
    const known = new Set(certificates.map(({ fingerprint }) => fingerprint))
    for (const fingerprint of this.#stages.keys()) if (!known.has(fingerprint)) this.#stages.delete(fingerprint)
    for (const certificate of certificates) {
      const daysLeft = (certificate.expires - this.#wallClock()) / DAY
      const stage = STAGES.find((days) => daysLeft <= days)
      if (stage === undefined || stage >= (this.#stages.get(certificate.fingerprint) ?? Number.POSITIVE_INFINITY))
        continue
      this.#stages.set(certificate.fingerprint, stage)
      this.#logger.warn({ certificate, daysLeft: Math.floor(daysLeft) }, sentence(certificate, daysLeft))
      onExpiring(certificate, daysLeft)
    }
  }
}

function sentence({ subject, use, expires }: OwnCertificate, daysLeft: number): string {
  const whose =
    use === 'authority'
      ? `the authority ${subject} of this node's certificate`
      : `the certificate ${subject} of this node`
  const when = new Date(expires).toISOString()
  if (daysLeft <= 0) return `${whose} has expired, on ${when}: nobody accepts it any more, but links that are up stay`
  const days = Math.ceil(daysLeft)
  return `${whose} expires in ${days === 1 ? 'a day' : `${days} days`}, on ${when}`
}
