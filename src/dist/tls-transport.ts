import type { Socket } from 'node:net'
import type { Clock } from '../base/clock.ts'
import type { Carrier } from './carrier.ts'
import { acceptTls, type DialTlsOptions, dialTls } from './tls.ts'
import { type CredentialsOptions, TlsCredentials } from './tls-credentials.ts'

/**
 * Links over TLS with the certificates of the moment. What needs `node:tls` is behind this, so that a node without TLS does
 * not load it: import it by `import()`.
 */
export class TlsTransport implements Disposable {
  readonly credentials: TlsCredentials
  readonly #clock: Clock

  /** @throws OptionError; TsunagiError `ERR_TLS_CREDENTIALS` */
  static async open(options: CredentialsOptions): Promise<TlsTransport> {
    return new TlsTransport(await TlsCredentials.open(options), options.clock)
  }

  private constructor(credentials: TlsCredentials, clock: Clock) {
    this.credentials = credentials
    this.#clock = clock
  }

  /** See {@link dialTls}. */
  dial(options: Omit<DialTlsOptions, 'settings'>): Promise<Carrier> {
    return dialTls({ ...options, settings: this.credentials.settings })
  }

  /** See {@link acceptTls}. */
  accept(socket: Socket): Carrier {
    return acceptTls(socket, this.credentials.settings, this.#clock)
  }

  [Symbol.dispose](): void {
    this.credentials[Symbol.dispose]()
  }
}
