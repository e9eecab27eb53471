import type { ConnectError } from '../dist/connect-error.ts'
import type { Link } from '../dist/link.ts'

/** What everybody gets who waits for the same link. */
export class AwaitedLink {
  readonly promise: Promise<Link>
  resolve!: (link: Link) => void
  reject!: (error: ConnectError) => void

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }
}
