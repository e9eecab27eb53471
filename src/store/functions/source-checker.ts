import type { ImportExpression, Node, Program } from 'acorn'
import { ALLOWED_GLOBALS, PROVIDED } from './allowed-globals.ts'
import { captured } from './captured.ts'
import { hashOf } from './definition.ts'
import { type SourceProblem, sourceError } from './function-error.ts'
import { at, syntaxProblem, textOfExpression, textOfFunction } from './source-text.ts'
import { AFTER, BEFORE, childrenOf, type FunctionNode, loadSyntax, onlyFunction, type Syntax } from './syntax.ts'

/** What sources may do here. */
export interface SourceRules {
  /** Longest source, in bytes of UTF-8. */
  readonly functionBytes: number
  /** Modules that `import()` may name. */
  readonly imports: ReadonlySet<string>
  /** Globals beyond {@link ALLOWED_GLOBALS}. */
  readonly globals: readonly string[]
}

/** A source that may be distributed. */
export interface CheckedSource {
  /** The function expression alone, as it is compiled everywhere. */
  readonly source: string
  /** Its {@link hashOf}. */
  readonly hash: string
  /** Where in the source an `import()` begins. */
  readonly imports: readonly number[]
}

const KEPT = 100

/** No error needs more; and each has to be placed. */
const MOST_PROBLEMS = 100

/**
 * Tells whether a function can be compiled on another node and still mean the same: that its text is one function expression
 * which uses nothing from around it. It is not a sandbox: a function that passes can do all that the program can.
 */
export class SourceChecker {
  readonly #syntax: Syntax
  readonly #rules: SourceRules
  readonly #known: ReadonlySet<string>
  /** Sources that were checked lately: who orders a definition installs it next. */
  readonly #passed = new Map<string, CheckedSource>()

  private constructor(syntax: Syntax, rules: SourceRules) {
    this.#syntax = syntax
    this.#rules = rules
    this.#known = new Set([...ALLOWED_GLOBALS, ...PROVIDED, ...rules.globals])
  }

  static async load(rules: SourceRules): Promise<SourceChecker> {
    return new SourceChecker(await loadSyntax(), rules)
  }

  /**
   * Checks a function value or the text of a function expression.
   *
   * @throws FunctionError `ERR_FUNCTION_SOURCE` with all its problems
   */
  check(given: string | ((...args: never[]) => unknown), name?: string): CheckedSource {
    if (typeof given === 'string') this.#checkSize(given, name)
    const extracted =
      typeof given === 'string' ? textOfExpression(this.#syntax, given) : textOfFunction(this.#syntax, given)
    if ('problem' in extracted) throw sourceError(name, [extracted.problem], extracted.cause)
    const { source } = extracted
    this.#checkSize(source, name)
    const hash = hashOf(source)
    const before = this.#passed.get(hash)
    if (before !== undefined) return before
    const checked = { source, hash, imports: this.#checkText(source, name) }
    this.#passed.set(hash, checked)
    if (this.#passed.size > KEPT) this.#passed.delete(this.#passed.keys().next().value as string)
    return checked
  }

  #checkSize(source: string, name: string | undefined): void {
    const most = this.#rules.functionBytes
    const place = { line: 1, column: 1 }
    // A character is at least one byte: what is far too long is not measured.
    if (source.length > most || Buffer.byteLength(source) > most) {
      throw sourceError(name, [{ message: `its source is longer than ${most} bytes (limits.functionBytes)`, ...place }])
    }
    if (!source.isWellFormed()) throw sourceError(name, [{ message: 'its source has a lone surrogate', ...place }])
  }

  #checkText(source: string, name: string | undefined): number[] {
    const problems: SourceProblem[] = []
    const report = (position: number, message: string): void => {
      if (problems.length < MOST_PROBLEMS) problems.push({ message, ...at(source, position - BEFORE.length) })
    }
    let imports: number[]
    try {
      const program = this.#syntax.acorn.parse(BEFORE + source + AFTER, {
        ecmaVersion: 'latest',
        sourceType: 'script',
        // eslint-scope orders parameters and what they use by them.
        ranges: true,
        allowReturnOutsideFunction: true,
        onComment: (_block, text, start) => checkComment(source, start, text, report),
      })
      const fn = onlyFunction(program)
      if (fn === undefined) {
        throw sourceError(name, [{ message: 'it is not one function expression', line: 1, column: 1 }])
      }
      if (fn.generator === true) report(fn.start, 'it is a generator, and a call gives one value')
      imports = this.#checkNodes(fn, report)
      this.#checkVariables(program, source, problems)
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof RangeError) {
        throw sourceError(name, [syntaxProblem(error, 1)], error)
      }
      throw error
    }
    if (problems.length > 0) throw sourceError(name, problems.sort(inOrder))
    return imports
  }

  /** `this` of the surroundings, and imports. Without recursion: sources may nest as deep as they like. */
  #checkNodes(root: FunctionNode, report: (position: number, message: string) => void): number[] {
    const imports: number[] = []
    const open: [node: Node, outer: boolean][] = [[root, true]]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const [node, outer] = next
      if (node.type === 'ThisExpression' && outer) report(node.start, '`this` is not carried along')
      if (node.type === 'ImportExpression') {
        this.#checkImport(node as ImportExpression, report)
        imports.push(node.start - BEFORE.length)
      }
      for (const child of childrenOf(node)) open.push([child, outer && !bindsThis(node, child, root)])
    }
    return imports.sort((a, b) => a - b)
  }

  #checkImport(node: ImportExpression, report: (position: number, message: string) => void): void {
    const { source, options } = node
    if (source.type !== 'Literal' || typeof source.value !== 'string') {
      report(node.start, '`import()` of what is no string literal')
    } else if (!this.#rules.imports.has(source.value)) {
      report(node.start, `\`import()\` of ${JSON.stringify(source.value)}, which \`functions.imports\` does not allow`)
    }
    if (options != null) report(node.start, '`import()` with options')
  }

  /** Every variable that the text uses and does not have. */
  #checkVariables(program: Program, source: string, problems: SourceProblem[]): void {
    const { globalScope } = this.#syntax.scope.analyze(program as never, {
      ecmaVersion: 2025 as never,
      sourceType: 'script',
      ignoreEval: true,
    })
    for (const reference of globalScope?.through ?? []) {
      const { name } = reference.identifier
      const written = reference.isWrite()
      if (problems.length === MOST_PROBLEMS) return
      if (this.#known.has(name) && !written) continue
      const { start } = reference.identifier as unknown as Node
      problems.push({
        message: captured(name, written),
        ...at(source, start - BEFORE.length),
        variable: name,
      })
    }
  }
}

function inOrder(a: SourceProblem, b: SourceProblem): number {
  return a.line - b.line || a.column - b.column
}

/** Functions but arrows have a `this` of their own, and so has what is in the body of a class, but for computed names. */
function bindsThis(node: Node, child: Node, root: Node): boolean {
  switch (node.type) {
    case 'FunctionExpression':
    case 'FunctionDeclaration':
      return node !== root
    case 'PropertyDefinition':
      return child === (node as Node & { value: Node | null }).value
    case 'StaticBlock':
      return true
    default:
      return false
  }
}

/**
 * Comments that are more than that: `<!--` and `-->` are read differently by scripts and modules, and `//# sourceURL=` puts
 * another name into stack traces.
 */
function checkComment(
  source: string,
  start: number,
  text: string,
  report: (position: number, message: string) => void,
): void {
  const opening = source.slice(start - BEFORE.length).slice(0, 4)
  if (opening === '<!--' || opening.startsWith('-->')) report(start, 'an HTML comment')
  else if (/^[#@]\s*source(?:Mapping)?URL\b/.test(text)) report(start, 'a comment that names another source')
}
