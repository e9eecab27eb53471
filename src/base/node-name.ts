import { OptionError } from './errors.ts'

/** The two halves of a node's name, `alive@host`. */
export interface NodeName {
  /** The whole name. */
  readonly full: string
  /** The part before the `@`, under which EPMD knows the node. */
  readonly alive: string
  /** The part after it: a host name or an address. */
  readonly host: string
}

/** Splits `alive@host`; undefined when the text is no node name. Rules: OTP's `net_kernel` and EPMD (255 characters). */
export function splitNodeName(text: string): NodeName | undefined {
  const at = text.indexOf('@')
  if (at <= 0 || at === text.length - 1 || text.indexOf('@', at + 1) !== -1 || [...text].length > 255) return undefined
  // Control characters would garble a terminal, and half of a surrogate pair can be no atom.
  if (/[\s/\p{Cc}\p{Cs}]/u.test(text)) return undefined
  return { full: text, alive: text.slice(0, at), host: text.slice(at + 1) }
}

/** Like {@link splitNodeName}, but throws an {@link OptionError} for `option`. */
export function checkNodeName(value: unknown, option: string): NodeName {
  const name = typeof value === 'string' ? splitNodeName(value) : undefined
  if (name === undefined) throw new OptionError(option, value, 'a node name such as "app@127.0.0.1"')
  return name
}

/** Whether a host part belongs to the long names (`-name`): it has a dot or a colon. */
export function isLongHost(host: string): boolean {
  return host.includes('.') || host.includes(':')
}

/** Whether an address or host name stays on this machine. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host) || host === '::ffff:127.0.0.1'
}
