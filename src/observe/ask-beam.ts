import { RpcError } from '../node/rpc/rpc-error.ts'
import { atom, ExternalFun, isAtom, isTuple, type Term } from '../term/index.ts'
import { AskError, type AskingNode, type AskOptions, messageOf } from './ask-node.ts'
import { cut } from './shape.ts'
import type { Runtime } from './view.ts'

/** What a BEAM node is, which stays so while it runs. */
export interface BeamIdentity {
  readonly runtime: Exclude<Runtime, 'typescript' | 'unknown'>
  readonly versions: Readonly<Record<string, string>>
  /** Milliseconds since 1970, by its own clock. */
  readonly startedAt: number | null
  readonly os: {
    readonly host: string
    readonly platform: string
    readonly release: string
    readonly arch: string
    readonly cpus: number
    readonly pid: number
  }
}

/** How a BEAM node stands. */
export interface BeamState {
  readonly visible: readonly string[]
  readonly hidden: readonly string[]
  readonly names: readonly string[]
  readonly nameCount: number
  readonly processes: number
  readonly runQueue: number
  readonly memory: Readonly<Record<string, number>>
}

/** Nodes, names and kinds of memory that are taken from one answer. */
const MAX_NODES = 1000
const MAX_NAMES = 50
const MAX_MEMORY = 20
/** Names that are put in order: sorting more would hold this node up. */
const MAX_SORTED = 20_000

type Question = readonly [module: string, fn: string, ...args: Term[]]

const IDENTITY: readonly Question[] = [
  ['erlang', 'system_info', atom('otp_release')],
  ['erlang', 'system_info', atom('version')],
  ['erlang', 'system_info', atom('start_time')],
  ['erlang', 'time_offset'],
  ['erlang', 'convert_time_unit', 1, atom('second'), atom('native')],
  ['os', 'type'],
  ['os', 'version'],
  ['os', 'getpid'],
  ['erlang', 'system_info', atom('system_architecture')],
  ['erlang', 'system_info', atom('logical_processors')],
  ['inet', 'gethostname'],
]

const STATE: readonly Question[] = [
  ['erlang', 'nodes', atom('visible')],
  ['erlang', 'nodes', atom('hidden')],
  ['erlang', 'registered'],
  ['erlang', 'system_info', atom('process_count')],
  ['erlang', 'statistics', atom('run_queue')],
  ['erlang', 'memory'],
]

/** Modules of Gleam's standard libraries, as they are called on the BEAM. */
const GLEAM = ['gleam@list', 'gleam@string', 'gleam@io', 'gleam@option', 'gleam@otp@actor', 'gleam@erlang@process']

/** What a node is that runs on the BEAM. Two or three questions. @throws AskError */
export async function identifyBeam(node: AskingNode, name: string, options: AskOptions): Promise<BeamIdentity> {
  const answers = await askAll(node, name, IDENTITY, options)
  const [otp, erts, start, offset, second, type, release, pid, architecture, cpus, host] = answers
  const elixir = await elixirVersion(node, name, options)
  const gleam = elixir === undefined && (await runsGleam(node, name, options))
  return {
    runtime: elixir !== undefined ? 'elixir' : gleam ? 'gleam' : 'erlang',
    versions: { otp: textOf(otp), erts: textOf(erts), ...(elixir === undefined ? {} : { elixir }) },
    startedAt: startOf(start, offset, second),
    os: {
      host: isTuple(host) ? textOf(host[1]) : '',
      platform: isTuple(type) ? textOf(type[1]) : '',
      release: isTuple(release) ? release.slice(0, 5).map(countOf).join('.') : textOf(release),
      arch: textOf(architecture).split('-')[0] ?? '',
      cpus: countOf(cpus),
      pid: Number.parseInt(textOf(pid), 10) || 0,
    },
  }
}

/** How such a node stands. One question. @throws AskError */
export async function askBeam(node: AskingNode, name: string, options: AskOptions): Promise<BeamState> {
  const [visible, hidden, registered, processes, runQueue, memory] = await askAll(node, name, STATE, options)
  const names = namesOf(registered, MAX_SORTED)
  return {
    visible: namesOf(visible, MAX_NODES),
    hidden: namesOf(hidden, MAX_NODES),
    names: names.sort().slice(0, MAX_NAMES),
    nameCount: Array.isArray(registered) ? registered.length : 0,
    processes: countOf(processes),
    runQueue: countOf(runQueue),
    memory: Object.fromEntries(pairsOf(memory)),
  }
}

/**
 * The registered names of such a node: the first 20,000 of them, in order.
 *
 * @throws AskError
 */
export async function beamNames(node: AskingNode, name: string, options: AskOptions): Promise<string[]> {
  const [registered] = await askAll(node, name, [['erlang', 'registered']], options)
  return namesOf(registered, MAX_SORTED).sort()
}

/**
 * Calls several functions in one process of the node: `lists:zipwith3(fun erlang:apply/3, Modules, Functions, Arguments)`.
 * Nothing has to be loaded there for it.
 */
async function askAll(
  node: AskingNode,
  name: string,
  questions: readonly Question[],
  options: AskOptions,
): Promise<readonly Term[]> {
  const apply = new ExternalFun(atom('erlang'), atom('apply'), 3)
  const modules = questions.map(([module]) => atom(module))
  const functions = questions.map(([, fn]) => atom(fn))
  const args = questions.map(([, , ...rest]) => rest)
  const answers = await call(node, name, 'lists', 'zipwith3', [apply, modules, functions, args], options)
  if (Array.isArray(answers) && answers.length === questions.length) return answers
  throw new AskError('invalid', 'its answer is none')
}

async function elixirVersion(node: AskingNode, name: string, options: AskOptions): Promise<string | undefined> {
  try {
    return textOf(await call(node, name, 'Elixir.System', 'version', [], options))
  } catch (error) {
    if (error instanceof AskError && error.state === 'absent') return undefined
    throw error
  }
}

/** Modules are loaded when they are first used: a node that has not used any yet passes for Erlang. */
async function runsGleam(node: AskingNode, name: string, options: AskOptions): Promise<boolean> {
  const questions = GLEAM.map((module): Question => ['erlang', 'module_loaded', atom(module)])
  return (await askAll(node, name, questions, options)).includes(true)
}

async function call(
  node: AskingNode,
  name: string,
  module: string,
  fn: string,
  args: readonly Term[],
  options: AskOptions,
): Promise<Term> {
  if (!node.serviceHost.isConnected(atom(name))) throw new AskError('none', 'there is no link to it')
  try {
    return await node.rpc(name, module, fn, args, { ...options, terms: { binaries: 'auto', maps: 'map' } })
  } catch (error) {
    if (error instanceof RpcError) {
      if (error.code === 'ERR_RPC_UNDEF') throw new AskError('absent', `it has no ${module}:${fn}`)
      if (error.code === 'ERR_TIMEOUT') throw new AskError('late', 'it did not answer in time')
      if (error.code === 'ERR_NOCONNECTION') throw new AskError('none', 'the link to it was lost')
    }
    throw new AskError('refused', cut(messageOf(error), 300))
  }
}

function startOf(start: Term, offset: Term, second: Term): number | null {
  const perSecond = BigInt(Math.trunc(countOf(second)))
  if (!isInteger(start) || !isInteger(offset) || perSecond <= 0n) return null
  const ms = Number(((BigInt(start) + BigInt(offset)) * 1000n) / perSecond)
  return ms > 0 && ms < 8.64e15 ? ms : null
}

function isInteger(term: Term): term is number | bigint {
  return typeof term === 'bigint' || Number.isSafeInteger(term)
}

function countOf(term: Term): number {
  const value = typeof term === 'bigint' ? Number(term) : term
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0
}

/** The text of a binary, of a char list, or of an atom. */
function textOf(term: Term): string {
  if (typeof term === 'string') return cut(term, 60)
  if (isAtom(term)) return cut(term.name, 60)
  if (!Array.isArray(term)) return ''
  const codes = term
    .slice(0, 60)
    .filter((code) => Number.isInteger(code) && (code as number) >= 32 && (code as number) < 0xd800)
  return String.fromCodePoint(...(codes as number[]))
}

function namesOf(term: Term, max: number): string[] {
  if (!Array.isArray(term)) return []
  const names: string[] = []
  for (const item of term) {
    if (names.length >= max) break
    if (isAtom(item)) names.push(item.name)
  }
  return names
}

function pairsOf(term: Term): [string, number][] {
  if (!Array.isArray(term)) return []
  return term.slice(0, MAX_MEMORY).flatMap((pair): [string, number][] => {
    if (!isTuple(pair) || pair.length !== 2) return []
    const [name, value] = pair
    return isAtom(name) ? [[name.name, countOf(value)]] : []
  })
}
