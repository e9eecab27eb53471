import { inspect } from 'node:util'
import { OptionError } from '../../base/errors.ts'
import { checkNodeName } from '../../base/node-name.ts'
import { knownOnly } from '../../base/options.ts'
import type { Term } from '../../term/index.ts'
import { checkAtom } from './exposed.ts'
import type { Rpc, RpcOptions } from './rpc.ts'
import { SchemaError } from './schema-error.ts'
import { checkSchema, type StandardSchemaV1 } from './standard-schema.ts'

// biome-ignore lint/suspicious/noExplicitAny: any function is meant.
type AnyFunction = (...args: any[]) => unknown

/** The functions of a module elsewhere: those of `Api`, each answering a promise. */
export type RemoteModule<Api> = {
  readonly [Name in keyof Api]: Api[Name] extends AnyFunction
    ? (...args: Parameters<Api[Name]>) => Promise<Awaited<ReturnType<Api[Name]>>>
    : never
}

/** What checks the arguments of a function and what it returns. What a schema makes of a value takes its place. */
export interface FunctionSchemas<Function extends AnyFunction = AnyFunction> {
  /** For the list of arguments, before it is sent. */
  readonly args?: StandardSchemaV1<Parameters<Function>, readonly unknown[]>
  /** For the result, after it was decoded. */
  readonly result?: StandardSchemaV1<unknown, Awaited<ReturnType<Function>>>
}

/** Options of `node.proxy`; those of a call hold for each. */
export interface ProxyOptions<Api = Record<string, AnyFunction>> extends RpcOptions {
  readonly schemas?: {
    readonly [Name in keyof Api]?: Api[Name] extends AnyFunction ? FunctionSchemas<Api[Name]> : never
  }
}

/** Names that stand for no function elsewhere, beside those every object has: `await` and `JSON.stringify` look at them. */
const NOT_REMOTE = new Set(['then', 'toJSON'])

/** A module elsewhere as an object whose every other property is a function that calls the one of that name there. */
export function makeProxy<Api extends object>(
  rpc: Rpc,
  node: string,
  module: string,
  options: ProxyOptions<Api> = {},
): RemoteModule<Api> {
  checkNodeName(node, 'node')
  checkAtom(module, 'module')
  knownOnly(options, ['timeout', 'signal', 'terms', 'schemas'])
  const { schemas, ...callOptions } = options
  const checked = checkSchemas(schemas)
  const functions = new Map<string, (...args: Term[]) => Promise<unknown>>()
  const functionOf = (name: string): ((...args: Term[]) => Promise<unknown>) => {
    const where = `rpc to ${node}: ${module}:${name}`
    const { args: argsSchema, result: resultSchema } = checked.get(name) ?? {}
    return async (...given) => {
      const args = argsSchema === undefined ? given : await validated(argsSchema, given, where, 'args')
      if (!Array.isArray(args)) throw new OptionError(`schemas.${name}.args`, args, 'a schema that makes a list')
      const result = await rpc.call(node, module, name, args, callOptions)
      return resultSchema === undefined ? result : await validated(resultSchema, result, where, 'result')
    }
  }
  const target = Object.freeze({ [inspect.custom]: () => `RemoteModule<${module} on ${node}>` })
  const get = (_: object, name: string | symbol): unknown => {
    if (typeof name === 'symbol' || name in target) return Reflect.get(target, name)
    if (NOT_REMOTE.has(name)) return undefined
    const known = functions.get(name) ?? functionOf(name)
    functions.set(name, known)
    return known
  }
  return new Proxy(target, { get }) as unknown as RemoteModule<Api>
}

interface CheckedSchemas {
  readonly args?: StandardSchemaV1
  readonly result?: StandardSchemaV1
}

function checkSchemas(schemas: unknown = {}): ReadonlyMap<string, CheckedSchemas> {
  if (typeof schemas !== 'object' || schemas === null) throw new OptionError('schemas', schemas, 'an object of schemas')
  const checked = new Map<string, CheckedSchemas>()
  for (const [name, given] of Object.entries(schemas)) {
    const option = `schemas.${name}`
    if (typeof given !== 'object' || given === null) throw new OptionError(option, given, '{ args, result }')
    knownOnly(given, ['args', 'result'], `${option}.`)
    for (const [of, schema] of Object.entries(given)) checkSchema(schema, `${option}.${of}`)
    checked.set(name, given)
  }
  return checked
}

async function validated(
  schema: StandardSchemaV1,
  value: unknown,
  where: string,
  of: 'args' | 'result',
): Promise<unknown> {
  const result = await schema['~standard'].validate(value)
  if (result.issues !== undefined) throw new SchemaError(where, of, result.issues)
  return result.value
}
