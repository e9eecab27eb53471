import type { FunctionExpression, Node, Program } from 'acorn'

/** The packages that read sources. */
export interface Syntax {
  readonly acorn: typeof import('acorn')
  readonly scope: typeof import('eslint-scope')
}

let loading: Promise<Syntax> | undefined

/** Loads acorn and eslint-scope when they are first needed: most programs distribute no functions. */
export function loadSyntax(): Promise<Syntax> {
  loading ??= Promise.all([import('acorn'), import('eslint-scope')]).then(([acorn, scope]) => ({ acorn, scope }))
  return loading
}

/**
 * What stands before and after a function's text when it is compiled. The very same text is parsed for the check, so that
 * a source which closes the parenthesis and goes on is seen as what it is. The function begins on the second line.
 */
export const BEFORE = '"use strict";return (\n'
export const AFTER = '\n)'

/** The root of a function's text. */
export type FunctionNode = Pick<FunctionExpression, 'async' | 'generator' | 'params' | 'body'> & Node

/** The function in a parsed `BEFORE + source + AFTER`; undefined when there is not exactly one and nothing else. */
export function onlyFunction(program: Program): FunctionNode | undefined {
  const [directive, statement] = program.body
  if (program.body.length !== 2 || directive?.type !== 'ExpressionStatement') return undefined
  if (statement?.type !== 'ReturnStatement' || statement.argument == null) return undefined
  return isFunctionNode(statement.argument) ? (statement.argument as FunctionNode) : undefined
}

export function isFunctionNode(node: Node): boolean {
  return node.type === 'FunctionExpression' || node.type === 'ArrowFunctionExpression'
}

/** The children of a node, in the order of the text. Whatever has a type is a node. */
export function* childrenOf(node: Node): Iterable<Node> {
  for (const value of Object.values(node) as unknown[]) {
    if (Array.isArray(value)) {
      for (const element of value) if (isNode(element)) yield element
    } else if (isNode(value)) yield value
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Partial<Node>).type === 'string'
}
