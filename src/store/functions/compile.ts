import { compileFunction } from 'node:vm'
import { atom, tuple } from '../../term/index.ts'
import { FunctionError, quoted, sourceError } from './function-error.ts'
import type { CheckedSource } from './source-checker.ts'
import { AFTER, BEFORE } from './syntax.ts'

/** A function as it is called. */
export type CompiledFunction = (...args: unknown[]) => unknown

/** What a thread needs to make the function: plain data. */
export interface Compilable extends CheckedSource {
  readonly name: string
  /** Modules that `import()` may name, and where they are. */
  readonly modules: ReadonlyMap<string, string>
}

/**
 * Makes the function of a checked source, in strict mode, in this realm: its arrays and errors are everybody's. In stack
 * traces it is in the file {@link fileOf}, with the lines of its own text.
 *
 * @throws FunctionError `ERR_FUNCTION_SOURCE` when this Node.js does not know the syntax
 */
export function compile(what: Compilable): CompiledFunction {
  const { name, source } = what
  const importer = unusedName(source)
  const text = BEFORE + withImports(what, importer) + AFTER
  try {
    const make = compileFunction(text, ['atom', 'tuple', '__name', importer], {
      filename: fileOf(what),
      lineOffset: -1,
    })
    return make(atom, tuple, setName, loader(what)) as CompiledFunction
  } catch (cause) {
    const message = `its syntax, to this Node.js: ${(cause as Error).message}`
    throw sourceError(name, [{ message, line: lineOf(cause), column: 1 }], cause)
  }
}

/** The file a function seems to be in. */
export function fileOf({ name, hash }: { readonly name: string; readonly hash: string }): string {
  return `tsunagi:function/${encodeURIComponent(name)}@${hash.slice(0, 8)}.js`
}

/**
 * `import(` becomes a call of our loader, whose name is as long, so that columns stay: code that is compiled at run time has
 * no module of its own to import from.
 */
function withImports({ source, imports }: CheckedSource, importer: string): string {
  let text = ''
  let end = 0
  for (const start of imports) {
    text += source.slice(end, start) + importer
    end = start + importer.length
  }
  return text + source.slice(end)
}

/** As long as `import`, and nowhere in the source. */
function unusedName(source: string): string {
  for (let i = 0; ; i++) {
    const name = `$${i.toString(36).padStart(5, '_')}`
    if (!source.includes(name)) return name
  }
}

function loader({ name, modules }: Compilable): (specifier: string) => Promise<unknown> {
  return async (specifier) => {
    const url = modules.get(specifier)
    if (url !== undefined) return import(url)
    const message = `${quoted(name)}: \`functions.imports\` does not allow ${JSON.stringify(specifier)}`
    throw new FunctionError('ERR_FUNCTION_REFUSED', message, { function: name })
  }
}

/** What esbuild's `keepNames`, which `tsx` sets, puts around functions and classes. */
function setName<T extends object>(target: T, value: string): T {
  return Object.defineProperty(target, 'name', { value, configurable: true })
}

/** V8 begins the stack of a SyntaxError with `file:line`. */
function lineOf(error: unknown): number {
  return Number(/^tsunagi:function\/\S*:(\d+)$/m.exec((error as Error).stack ?? '')?.[1] ?? 1)
}
