import { checkStartOptions, type StartOptions } from '../tsunagi.ts'
import { blame, ConfigError } from './config-error.ts'
import { parseListenAddress } from './listen-address.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Reads one variable. Undefined: the text makes no sense. */
interface Variable {
  readonly expected: string
  read(text: string): StartOptions | undefined
}

const FLAGS: Readonly<Record<string, boolean>> = { true: true, '1': true, false: false, '0': false }

/** The variables that stand for options of a node; `docs/config.md` lists them. `TSUNAGI_CONFIG` is `loadConfig`'s own. */
export const variables: Readonly<Record<string, Variable>> = {
  TSUNAGI_NAME: { expected: 'a whole name', read: (name) => ({ name }) },
  TSUNAGI_SNAME: { expected: 'a short name', read: (sname) => ({ sname }) },
  TSUNAGI_COOKIE: { expected: 'a cookie', read: (cookie) => ({ cookie }) },
  TSUNAGI_CONNECT_TO: {
    expected: 'node names with commas between them',
    read: (text) => ({ connectTo: text.split(',').map((name) => name.trim()) }),
  },
  TSUNAGI_VISIBLE: {
    expected: 'true or false',
    read: (text) => (FLAGS[text] === undefined ? undefined : { visible: FLAGS[text] }),
  },
  TSUNAGI_LISTEN: {
    expected: 'host:port, host, :port, or false',
    read: (text) => {
      const listen = text === 'false' ? false : parseListenAddress(text)
      return listen === undefined ? undefined : { listen }
    },
  },
}

/**
 * The options that environment variables give. One that is empty counts as absent, as everywhere in a container's world.
 *
 * @throws ConfigError naming the variable
 */
export function environmentOptions(env: Environment): StartOptions {
  let options: StartOptions = {}
  for (const [name, { expected, read }] of Object.entries(variables)) {
    const text = env[name]
    if (text === undefined || text === '') continue
    const given = read(text)
    if (given === undefined) {
      throw new ConfigError(name, `expected ${expected}, got ${JSON.stringify(text)}`, { value: text })
    }
    blame(name, () => checkStartOptions(given))
    options = { ...options, ...given }
  }
  if (options.name !== undefined && options.sname !== undefined) {
    throw new ConfigError('TSUNAGI_SNAME', 'expected no short name beside the long one of TSUNAGI_NAME', {
      value: options.sname,
    })
  }
  return options
}
