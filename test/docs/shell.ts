import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { createProgram } from '../../src/cli/program.ts'
import { type Block, read, top } from './pages.ts'

/** Programs that pages start and that are none of ours. */
const foreign = new Set(
  'cat cd chmod curl docker echo elixir epmd erl fly gleam iex kill kubectl mix mkdir openssl printf sleep sudo'.split(
    ' ',
  ),
)

/** What is wrong with the commands of a block: a program nobody knows, a flag that ours do not have, a file that is not there. */
export function problemsOf(block: Block, files: ReadonlySet<string>): string[] {
  const problems: string[] = []
  for (const words of commandsOf(block.text)) {
    const problem = problemOf(words, files)
    if (problem !== undefined) problems.push(`${block.page}:${block.line}: ${words.join(' ')}: ${problem}`)
  }
  return problems
}

function problemOf([program = '', ...args]: readonly string[], files: ReadonlySet<string>): string | undefined {
  switch (program) {
    case 'tsunagi':
      return misuse(createProgram(), args)
    case 'npx':
      if (args[0] === 'tsunagi') return misuse(createProgram(), args.slice(1))
      return ['vitest', 'tsx'].includes(args[0] ?? '') ? undefined : 'npx starts something unknown'
    case 'npm':
      return npmProblem(args)
    case 'node': {
      const [file] = args.filter((it) => !it.startsWith('-'))
      if (file === undefined || files.has(file) || existsSync(join(top, file))) return undefined
      return 'there is no such file, in the repository or on the page'
    }
    default:
      if (program.startsWith('scripts/') || program.startsWith('.ci/')) {
        return existsSync(join(top, program)) ? undefined : 'there is no such file'
      }
      return foreign.has(program) ? undefined : 'nobody knows this program'
  }
}

function npmProblem([command = '', name = '']: readonly string[]): string | undefined {
  if (['ci', 'init', 'install', 'pack', 'start', 'test'].includes(command)) return undefined
  if (command !== 'run') return 'npm does something unknown'
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  return name in scripts ? undefined : 'there is no such script'
}

/** What the command would refuse of arguments: the words, not what they mean. */
function misuse(command: Command, args: readonly string[]): string | undefined {
  const [first] = args
  const inner = command.commands.find((it) => it.name() === first || it.aliases().includes(first ?? ''))
  if (inner !== undefined) return misuse(inner, args.slice(1))
  if (command.commands.length > 0 && first !== undefined && !first.startsWith('-')) {
    return `there is no command ${first}`
  }
  let operands: string[]
  let unknown: string[]
  try {
    ;({ operands, unknown } = command.parseOptions([...args]))
  } catch (error) {
    return (error as Error).message
  }
  const strange = unknown.filter((it) => !['--help', '-h', '--version', '-V'].includes(it))
  if (strange.length > 0) return `${command.name()} does not know ${strange.join(' ')}`
  if (unknown.length > 0) return undefined
  const wanted = command.registeredArguments
  const least = wanted.filter(({ required }) => required).length
  const most = wanted.some(({ variadic }) => variadic) ? Number.POSITIVE_INFINITY : wanted.length
  if (operands.length < least || operands.length > most) return `${command.name()} takes ${least} to ${most} arguments`
  return undefined
}

/** The simple commands of a script, in words: no quotes, comments, variables set before it, or redirections. */
export function commandsOf(script: string): string[][] {
  const commands: string[][] = []
  for (const line of script.replace(/\\\n/g, ' ').split('\n')) {
    let words: string[] = []
    const done = () => {
      const begin = words.findIndex((word) => !/^(\w+=.*|do|then)$/.test(word))
      if (begin >= 0 && !['for', 'done', 'if', 'fi'].includes(words[begin] as string)) commands.push(words.slice(begin))
      words = []
    }
    const parts = line
      .replace(/^\s*\$ /, '')
      .matchAll(/\s+#.*$|^#.*$|&&|\|\||[;|&]|\d?>+\s*\S+|((?:'[^']*'|"[^"]*"|\\.|[^\s'"\\;|&>])+)/g)
    for (const [text, word] of parts) {
      if (word !== undefined) words.push(word.replace(/'([^']*)'|"([^"]*)"|\\(.)/g, '$1$2$3'))
      else if (/^(&&|\|\||[;|&])$/.test(text)) done()
    }
    done()
  }
  return commands
}
