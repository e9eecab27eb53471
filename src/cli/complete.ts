import { hostname } from 'node:os'
import type { Argument, Command, Option } from 'commander'
import { printable } from '../base/terminal-text.ts'
import { listNames } from '../epmd/client.ts'
import { epmdEnvironment } from '../epmd/environment.ts'
import { FILES } from './completion-protocol.ts'

/** Longer than this nobody waits for a completion, ms. */
const PATIENCE = 1000

/** One way to go on. */
export interface Candidate {
  readonly value: string
  readonly description: string
}

/** Prints how the words can go on, a line each: the word, a tab and what it stands for. */
export async function complete(program: Command, words: readonly string[]): Promise<void> {
  const found = await candidates(program, words)
  process.stdout.write(
    found.map(({ value, description }) => `${printable(value)}\t${printable(description)}\n`).join(''),
  )
}

/** How the words can go on: commands, options, their values, and names of nodes the EPMD of this host knows. */
export async function candidates(program: Command, words: readonly string[]): Promise<readonly Candidate[]> {
  const typed = words.at(-1) ?? ''
  const place = findPlace(program, words.slice(0, -1))
  const all = await whatFits(place, typed, words)
  return all.filter(({ value }) => value === FILES || value.startsWith(typed))
}

/** What was typed so far. */
interface Place {
  readonly command: Command
  /** Arguments that are there. */
  readonly count: number
  readonly used: readonly string[]
  /** The option whose value comes next. */
  readonly option: Option | undefined
}

function findPlace(program: Command, words: readonly string[]): Place {
  let command = program
  let count = 0
  let option: Option | undefined
  const used: string[] = []
  for (const word of words) {
    if (word.startsWith('-')) {
      used.push(word)
      option = command.options.find((it) => (it.long === word || it.short === word) && (it.required || it.optional))
      continue
    }
    if (option !== undefined) {
      if (!option.variadic) option = undefined
      continue
    }
    const inner = count === 0 ? command.commands.find((it) => it.name() === word) : undefined
    if (inner === undefined) count++
    else command = inner
  }
  return { command, count, used, option }
}

async function whatFits(place: Place, typed: string, words: readonly string[]): Promise<readonly Candidate[]> {
  const { command, count, used, option } = place
  if (typed.startsWith('-')) return optionsOf(command, used)
  if (option !== undefined) {
    const values = await valuesOf(option, option.flags, words)
    if (!option.optional || values.length > 0) return values
  }
  if (command.commands.length > 0) {
    const { commands } = command
    return commands.map((inner) => ({ value: inner.name(), description: firstSentence(inner.description()) }))
  }
  const argument = command.registeredArguments[count]
  if (argument === undefined) return optionsOf(command, used)
  return await valuesOf(argument, argument.name(), words)
}

function optionsOf(command: Command, used: readonly string[]): readonly Candidate[] {
  const help = { long: '--help', description: 'display help for command', hidden: false, variadic: false }
  return [...command.options, help].flatMap(({ long, description, hidden, variadic }) =>
    hidden || long == null || (used.includes(long) && !variadic) ? [] : [{ value: long, description }],
  )
}

/** Values of an option or argument, by its choices, else by what it is called. */
async function valuesOf(
  { argChoices, description }: Option | Argument,
  called: string,
  words: readonly string[],
): Promise<readonly Candidate[]> {
  if (argChoices !== undefined) return argChoices.map((value) => ({ value, description }))
  if (/<file>/.test(called)) return [{ value: FILES, description }]
  return /^node$|<node(\.\.\.)?>/.test(called) ? await nodesOf(words) : []
}

/** The nodes of this host. An EPMD knows them without their host, which may be either of these. */
async function nodesOf(words: readonly string[]): Promise<readonly Candidate[]> {
  const given = Number(words[words.indexOf('--epmd-port') + 1])
  const port = words.includes('--epmd-port') && given > 0 ? given : epmdEnvironment().port
  const found = await listNames({ host: '127.0.0.1', port, timeout: PATIENCE }).catch(() => [])
  return ['127.0.0.1', hostname()].flatMap((host) =>
    found.map((node) => ({ value: `${node.name}@${host}`, description: `port ${node.port}` })),
  )
}

function firstSentence(text: string): string {
  return text.split(/(?<=\.) /)[0] ?? text
}
