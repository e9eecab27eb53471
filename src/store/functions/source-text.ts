import { types } from 'node:util'
import type { Expression, Node } from 'acorn'
import type { SourceProblem } from './function-error.ts'
import { isFunctionNode, type Syntax } from './syntax.ts'

/** A function's text, or why there is none. */
export type Extracted = { readonly source: string } | { readonly problem: SourceProblem; readonly cause?: unknown }

// Taken now, so that a program that replaces it later does not change what is sent.
const sourceOf = Function.prototype.toString

const NATIVE = /\{\s*\[native code\]\s*\}\s*$/

/**
 * The text of a function value as one function expression: methods become functions. The function's own `toString` is not
 * asked, since it says what it likes.
 */
export function textOfFunction(syntax: Syntax, fn: (...args: never[]) => unknown): Extracted {
  if (types.isProxy(fn)) return failure('it is a Proxy, which has no source')
  const text = sourceOf.call(fn)
  if (NATIVE.test(text)) return failure('it is bound or built in and has no source: wrap it in a function of your own')
  const plain = textOfExpression(syntax, text)
  if ('source' in plain) return plain
  return textOfMethod(syntax, text) ?? plain
}

/** The text of the one function expression in a source text, without what may stand around it: parentheses, comments. */
export function textOfExpression({ acorn }: Syntax, text: string): Extracted {
  if (text.trim() === '') return failure('it is empty')
  let node: Expression
  try {
    node = acorn.parseExpressionAt(text, 0, { ...OPTIONS, allowHashBang: false, preserveParens: true })
  } catch (error) {
    return { problem: syntaxProblem(error), cause: error }
  }
  const rest = text.slice(node.end)
  if (!isBlank(acorn, rest)) {
    const position = node.end + rest.length - rest.trimStart().length
    return failure('something follows the function', at(text, position))
  }
  while (node.type === 'ParenthesizedExpression') node = node.expression
  if (isFunctionNode(node)) return { source: text.slice(node.start, node.end) }
  const what = node.type === 'ClassExpression' ? 'it is a class' : 'it is not a function expression'
  return failure(`${what}: write \`(a, b) => …\` or \`function (a, b) { … }\``, at(text, node.start))
}

/** Nothing but comments and semicolons. */
function isBlank(acorn: Syntax['acorn'], text: string): boolean {
  try {
    return acorn.parse(text, OPTIONS).body.every(({ type }) => type === 'EmptyStatement')
  } catch {
    return false
  }
}

/** `name(a) {}`, `async name(a) {}`, as the text of a method is: without its name, which it does not see either. */
function textOfMethod({ acorn }: Syntax, text: string): Extracted | undefined {
  const before = '({'
  let found: Node | undefined
  try {
    const { body } = acorn.parse(`${before}${text}\n})`, OPTIONS)
    if (body.length !== 1 || body[0]?.type !== 'ExpressionStatement') return undefined
    found = body[0].expression
  } catch {
    return undefined
  }
  if (found.type !== 'ObjectExpression') return undefined
  const { properties } = found as Extract<Expression, { type: 'ObjectExpression' }>
  const [property] = properties
  if (properties.length !== 1 || property?.type !== 'Property') return undefined
  if (property.kind !== 'init') return failure('it is a getter or setter')
  if (!property.method || property.value.type !== 'FunctionExpression') return undefined
  const { async, generator, start, end } = property.value
  const head = `${async ? 'async ' : ''}function${generator ? '*' : ''}`
  return { source: head + text.slice(start - before.length, end - before.length) }
}

const OPTIONS = { ecmaVersion: 'latest', sourceType: 'script' } as const

/** What acorn threw, as a problem. `offset` lines stand before the function's text. */
export function syntaxProblem(error: unknown, offset = 0): SourceProblem {
  const { message, loc } = error as Error & { loc?: { line: number; column: number } }
  const deep = error instanceof RangeError || message.startsWith('Not enough stack space')
  if (deep) return { message: 'it nests too deep', line: 1, column: 1 }
  // What acorn says ends in its own place, which counts columns from 0.
  const said = message.replace(/ \(\d+:\d+\)$/, '')
  return {
    message: `its syntax: ${said}`,
    line: Math.max((loc?.line ?? 1) - offset, 1),
    column: (loc?.column ?? 0) + 1,
  }
}

function failure(message: string, place = { line: 1, column: 1 }): Extracted {
  return { problem: { message, ...place } }
}

const NEWLINE = /\r\n|[\n\r\u2028\u2029]/g

/** Line and column of a position, from 1. */
export function at(text: string, position: number): { line: number; column: number } {
  let [line, start] = [1, 0]
  for (const { 0: newline, index } of text.matchAll(NEWLINE)) {
    if (index + newline.length > position) break
    line++
    start = index + newline.length
  }
  return { line, column: position - start + 1 }
}
