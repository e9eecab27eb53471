import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { StartOptions } from '../tsunagi.ts'
import { ConfigError } from './config-error.ts'
import { jsonError } from './json-error.ts'
import { withStrategies } from './strategies.ts'

/** What is looked for, in this order. */
export const USUAL_FILES = [
  'tsunagi.config.js',
  'tsunagi.config.mjs',
  'tsunagi.config.ts',
  'tsunagi.config.json',
] as const

/** A module of options: the object itself, or a function that makes it. */
type Exported = unknown | (() => unknown)

/**
 * Reads options from a file, unchecked: the default export of a module, or an object of JSON.
 *
 * @throws ConfigError
 */
export async function readConfigFile(path: string): Promise<StartOptions> {
  const extension = extname(path)
  const read = readers[extension]
  if (read === undefined) {
    throw new ConfigError(path, `expected a file that ends with ${Object.keys(readers).join(', ')}, or .config`)
  }
  const options = await read(path)
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new ConfigError(path, 'expected an object of node options', { value: options })
  }
  return withStrategies(path, options)
}

const readers: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
  '.js': readModule,
  '.mjs': readModule,
  '.cjs': readModule,
  '.ts': readTypeScript,
  '.mts': readTypeScript,
  '.json': readJson,
}

async function readModule(path: string): Promise<unknown> {
  let exported: Exported
  try {
    exported = ((await import(pathToFileURL(path).href)) as { default?: Exported }).default
    if (typeof exported === 'function') exported = await exported()
  } catch (cause) {
    const where = cause instanceof SyntaxError ? ` (\`node ${path}\` shows where)` : ''
    throw new ConfigError(path, `${messageOf(cause)}${where}`, { cause })
  }
  if (exported === undefined) throw new ConfigError(path, 'expected a default export, `export default { name: … }`')
  return exported
}

async function readTypeScript(path: string): Promise<unknown> {
  // Since 22.18 and 23.6 Node.js strips types by itself.
  if (!(process.features as { typescript?: unknown }).typescript) {
    const version = `this Node.js (${process.version}) reads no TypeScript`
    throw new ConfigError(path, `${version}: use 22.18 or newer, or write the file as tsunagi.config.mjs or .json`)
  }
  return await readModule(path)
}

async function readJson(path: string): Promise<unknown> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new ConfigError(path, messageOf(cause), { cause })
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    // Without it as the cause: it may quote a secret.
    throw new ConfigError(path, jsonError(text, error as SyntaxError))
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
