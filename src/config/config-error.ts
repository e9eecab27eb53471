import { OptionError, TsunagiError } from '../base/errors.ts'

/** A configuration that cannot be used. `code` is `ERR_CONFIG`; the message names where, the option and the value. */
export class ConfigError extends TsunagiError {
  /** The file, or the environment variable, at fault. */
  readonly source: string
  /** The option in it, such as `listen.port` or `kernel.net_ticktime`; undefined when it is the whole of it. */
  readonly option: string | undefined
  /** Undefined for secrets. */
  readonly value: unknown

  constructor(source: string, message: string, init: { option?: string; value?: unknown; cause?: unknown } = {}) {
    super('ERR_CONFIG', `${source}: ${message}`, init)
    this.source = source
    this.option = init.option
    this.value = init.value
  }

  static {
    ConfigError.prototype.name = 'ConfigError'
  }
}

/** Runs a check of options; what it refuses is told as the fault of where they came from: a file, and the place in it. */
export function blame<T>(source: string, check: () => T, path?: string): T {
  try {
    return check()
  } catch (error) {
    if (!(error instanceof OptionError)) throw error
    const { value } = error
    const option = path ?? error.option
    const message = path === undefined ? error.message : `${path}: ${error.message}`
    throw new ConfigError(source, message, { option, value, cause: error })
  }
}
