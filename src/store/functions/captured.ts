/** Names that tools put into a function's text, by what they look like, and what to do about them. */
const INJECTED: readonly (readonly [pattern: RegExp, advice: string])[] = [
  [
    /^__(?:vi|vite_ssr)_(?:import|dynamic_import)/,
    'an import of the module, as Vite and Vitest write it; use `await import()` in a source text, or pass it as an argument',
  ],
  [/^cov_\w+$/, 'a counter that a coverage tool put in; use one that does not change sources, such as V8 coverage'],
  [
    /^__(?:async|await|yieldStar|forAwait|spread|obj|private|public|rest|pow|template|def|decorate|using|callDispose|asyncGenerator|awaiter|generator|values|read|assign|extends|toESM|toCommonJS|require|export)\w*$/,
    'a helper of a compiler for old engines; set its target to es2022 or newer',
  ],
  [/^(?:import_\w+|\w+_\d+|_\w+)$/, 'perhaps an import of the module that a compiler renamed'],
]

const KNOWN: Readonly<Record<string, string>> = {
  arguments: 'take the parameters by name, or `...args`',
  eval: 'code made from text cannot be checked',
  Function: 'code made from text cannot be checked',
  globalThis: 'use a global by its own name',
  global: 'use a global by its own name',
  window: 'it is not there in Node.js',
  document: 'it is not there in Node.js',
  process: 'pass what is needed of it as an argument, or allow it in `functions.globals`',
  require: 'use `await import()` of a module that `functions.imports` allows',
  module: 'it belongs to the module around the function',
  exports: 'it belongs to the module around the function',
  __dirname: 'it belongs to the module around the function',
  __filename: 'it belongs to the module around the function',
  await: 'the function is not `async`',
}

/** The sentence about a variable that the function's text does not have. */
export function captured(name: string, written: boolean): string {
  if (written) return `it assigns to \`${name}\`, which is not its own: declare a variable in it`
  const known = Object.hasOwn(KNOWN, name) ? KNOWN[name] : undefined
  const advice = known ?? INJECTED.find(([pattern]) => pattern.test(name))?.[1] ?? 'pass it as an argument'
  return `it uses \`${name}\`, which is not its own: ${advice}`
}
