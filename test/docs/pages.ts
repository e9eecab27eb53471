import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The top of the repository. */
export const top = fileURLToPath(new URL('../../', import.meta.url))

/** A file by its path from the top. */
export const read = (path: string): string => readFileSync(join(top, path), 'utf8')

/**
 * A fenced block of a page, or what stands in for what a page leaves to its reader. Comments, which readers do not see,
 * say what is done with blocks; see CONTRIBUTING.md:
 *
 *     <!-- check: run -->          the next block is run
 *     <!-- check: skip REASON -->  the next block is not looked at
 *     <!-- check ts                code the page needs here and does not show
 *     declare const url: string
 *     -->
 */
export interface Block {
  /** The page, by its path from the top. */
  readonly page: string
  /** The line of its first line of text. */
  readonly line: number
  /** As the fence names it; empty where it names none. */
  readonly language: string
  readonly text: string
  readonly hidden: boolean
  readonly run: boolean
  /** Why it is not checked. */
  readonly skip: string | undefined
  /** `a.mjs`, when the block says in its first line that it is a file of its own: `// a.mjs`, `# a.exs`. */
  readonly file: string | undefined
}

/** All pages that have code: those at the top, those of `docs/`, and what lies beside the examples. */
export const pages: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'examples/README.md',
  ...readdirSync(join(top, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
]

const fileName = /^(?:\/\/|#) ([\w./-]+\.\w+)$/m

/** The blocks of a page in their order. An unknown directive, or one that nothing follows, throws. */
export function blocksOf(page: string, text: string = read(page)): Block[] {
  const lines = text.split('\n')
  const blocks: Block[] = []
  let directive: { run: boolean; skip: string | undefined } | undefined
  const fail = (line: number, message: string): never => {
    throw new Error(`${page}:${line}: ${message}`)
  }
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] as string
    const [, told] = /^\s*<!-- check: (.*) -->$/.exec(line) ?? []
    if (told !== undefined) {
      const [, skip] = /^skip (\S.*)$/.exec(told) ?? []
      if (told !== 'run' && skip === undefined) fail(at + 1, `nobody knows what <!-- check: ${told} --> means`)
      directive = { run: told === 'run', skip }
      continue
    }
    const [, hidden] = /^\s*<!-- check (\w+)$/.exec(line) ?? []
    if (hidden !== undefined) {
      const end = lines.findIndex((it, index) => index > at && it.trim() === '-->')
      if (end < 0) fail(at + 1, 'the comment has no end')
      const body = outdented(lines.slice(at + 1, end), line)
      blocks.push({
        page,
        line: at + 2,
        language: hidden,
        text: body,
        hidden: true,
        run: true,
        skip: undefined,
        file: undefined,
      })
      at = end
      continue
    }
    const [, fence, language] = /^\s*(`{3,})(\S*)/.exec(line) ?? []
    if (fence !== undefined) {
      const end = lines.findIndex((it, index) => index > at && it.trim() === fence)
      if (end < 0) fail(at + 1, 'the block has no end')
      const body = outdented(lines.slice(at + 1, end), line)
      const [first = ''] = body.split('\n')
      blocks.push({
        page,
        line: at + 2,
        language: language ?? '',
        text: body,
        hidden: false,
        run: directive?.run ?? false,
        skip: directive?.skip,
        file: fileName.exec(first)?.[1],
      })
      directive = undefined
      at = end
    } else if (directive !== undefined && line.trim() !== '') fail(at + 1, 'a check without a block')
  }
  return blocks
}

/** Lines without the space that the line above them begins with: that of a list. */
function outdented(lines: readonly string[], above: string): string {
  const indent = /^\s*/.exec(above)?.[0].length ?? 0
  return lines.map((line) => line.slice(Math.min(indent, line.length))).join('\n')
}
