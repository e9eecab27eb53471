import { OptionError } from '../../base/errors.ts'

/** Checks that options are an object. What was given in its place is not shown: it may well be the secret, or a URL with one. */
export function optionsWithSecret(options: unknown, example: string): void {
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) return
  const got = options === null ? 'null' : Array.isArray(options) ? 'a list' : `a ${typeof options}`
  throw new OptionError('options', undefined, '', `options: expected an object such as ${example}, got ${got}`)
}
