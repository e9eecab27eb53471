import { execFile } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Block, top } from './pages.ts'

/** One line of a program: the text, and where a reader finds it. */
interface Line {
  readonly text: string
  readonly from: string
  /** Whether it is JavaScript, where nobody says what a parameter is. */
  readonly untyped?: boolean
}

/** "Parameter 'it' implicitly has an 'any' type" and its like; and `unknown`, of which JavaScript cannot say what it is. */
const UNTYPED = /^TS70(05|06|31|34):|'unknown'/

/**
 * The blocks of a page as one program, as they are read: from top to bottom, each sees what is above it, and may use its
 * names anew. What is imported is for all.
 */
export function programOf(blocks: readonly Block[]): Line[] {
  const imports = new Map<string, Line>()
  const outer: Line[] = []
  const inner: Line[] = []
  let depth = 0
  for (const block of blocks) {
    const body: Line[] = []
    const from = (line: number) => `${block.page}:${block.line + line}`
    const untyped = isUntyped(block)
    const lines = block.text.split('\n')
    for (let at = 0; at < lines.length; at++) {
      const statement = importAt(lines, at)
      if (statement === undefined) {
        // Declarations are not exported from within a block, and what a file exports is its last expression.
        const text = (lines[at] as string).replace(/^export (?!default\b)/, '').replace(/^export default /, 'void ')
        body.push({ text, from: from(at), untyped })
        continue
      }
      for (const [name, text] of statement.names) imports.set(name, { text, from: from(at) })
      at += statement.lines - 1
    }
    // What is declared only, and where it is said before there is any other block, is there for the whole page.
    const globals = block.hidden && (depth === 0 || /^declare /m.test(block.text))
    if (globals) outer.push(...body)
    else {
      inner.push({ text: ';{', from: from(0) }, ...body)
      depth++
    }
  }
  const end = { text: `${'}'.repeat(depth)}\nexport {}`, from: blocks[0]?.page ?? '' }
  return [...imports.values(), ...outer, ...inner, end]
}

const isUntyped = ({ language }: Block): boolean => ['js', 'mjs'].includes(language)

/** The import that begins at a line, as one import for each name. */
function importAt(lines: readonly string[], at: number): { lines: number; names: Map<string, string> } | undefined {
  if (!/^import\b(?!\()/.test(lines[at] as string)) return undefined
  let text = ''
  for (let end = at; end < lines.length; end++) {
    text += ` ${(lines[end] as string).trim()}`
    const [, type = '', what = '', source] = /^ import (type )?(.*?) ?(?:from )?'([^']+)'/.exec(text) ?? []
    if (source === undefined) continue
    const names = new Map<string, string>()
    const [, list] = /\{(.*)\}/.exec(what) ?? []
    const others = what.replace(/,?\s*\{.*\}/, '')
    if (others !== '' || list === undefined) {
      names.set(others === '' ? source : others, `import ${type}${others}${others === '' ? '' : ' from '}'${source}'`)
    }
    for (const name of list?.split(',').map((it) => it.trim()) ?? []) {
      if (name === '') continue
      const local = name.replace(/^type /, '').replace(/^.* as /, '')
      names.set(local, `import ${type}{ ${name} } from '${source}'`)
    }
    return { lines: end - at + 1, names }
  }
  return undefined
}

/** TypeScript modules in a folder in which `tsunagi` is installed, as it is built. */
export class Programs {
  readonly #lines = new Map<string, readonly Line[]>()
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
    mkdirSync(join(folder, 'node_modules/@nats-io'), { recursive: true })
    symlinkSync(top, join(folder, 'node_modules/tsunagi'))
    for (const name of ['@types', 'zod', '@opentelemetry', '@nats-io/transport-node', 'hono']) {
      symlinkSync(join(top, 'node_modules', name), join(folder, 'node_modules', name))
    }
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    const compilerOptions = {
      target: 'es2023',
      lib: ['es2023', 'esnext.disposable'],
      module: 'nodenext',
      moduleDetection: 'force',
      types: ['node'],
      strict: true,
      noUncheckedIndexedAccess: true,
      noImplicitOverride: true,
      // Pages show what ends a process, and go on.
      allowUnreachableCode: true,
      allowUnusedLabels: true,
      skipLibCheck: true,
      rootDir: '.',
      outDir: 'out',
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['**/*.mts'] }))
  }

  /** Adds a module, named without its ending. */
  add(name: string, lines: readonly Line[]): void {
    const file = `${name}.mts`
    if (this.#lines.has(file)) throw new Error(`there are two of ${file}`)
    this.#lines.set(file, lines)
    mkdirSync(dirname(join(this.folder, file)), { recursive: true })
    writeFileSync(join(this.folder, file), lines.map(({ text }) => text).join('\n'))
  }

  /** A block that is a file of its own. */
  addFile(name: string, block: Block): void {
    this.add(
      name,
      block.text.split('\n').map((text, line) => ({
        text,
        from: `${block.page}:${block.line + line}`,
        untyped: isUntyped(block),
      })),
    )
  }

  /** What the compiler says of them, by page and line. */
  async errors(): Promise<string[]> {
    const compiler = join(top, 'node_modules/typescript/bin/tsc')
    const output = await new Promise<string>((resolve) => {
      execFile(
        process.execPath,
        [compiler, '--pretty', 'false'],
        { cwd: this.folder, maxBuffer: 2 ** 24 },
        (_error, text) => resolve(text),
      )
    })
    // What follows an error, indented, explains it.
    const errors = output.split(/\n(?! )/).filter((text) => text !== '')
    return errors.flatMap((text) => {
      const [, file = '', number = '', message = ''] = /^(\S+)\((\d+),\d+\): error ([\s\S]*)$/.exec(text) ?? []
      const line = this.#lines.get(file)?.[Number(number) - 1]
      if (line?.untyped === true && UNTYPED.test(message)) return []
      return [line === undefined ? text : `${line.from}: ${message}`]
    })
  }

  /** Where the compiled module of a name is. */
  compiled(name: string): string {
    return join(this.folder, 'out', `${name}.mjs`)
  }
}
