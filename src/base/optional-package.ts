import { TsunagiError } from './errors.ts'

/**
 * Loads a package that only some users have: an optional peer dependency. `load` is `() => import('the-package')`.
 *
 * @throws TsunagiError `ERR_PACKAGE_MISSING`, which says what to install
 */
export async function loadOptional<T>(name: string, what: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (cause) {
    if (!isMissing(cause, name)) throw cause
    const text = `${what} needs the package ${name}, which is not installed: npm install ${name}`
    throw new TsunagiError('ERR_PACKAGE_MISSING', text, { cause })
  }
}

/** Not so when the package is there and lacks something itself. */
function isMissing(error: unknown, name: string): boolean {
  const { code, message } = error as NodeJS.ErrnoException
  return code === 'ERR_MODULE_NOT_FOUND' && message.includes(`'${name}'`)
}
