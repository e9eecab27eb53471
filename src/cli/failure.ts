import { CommanderError } from 'commander'
import { type ErrorCode, TsunagiError } from '../base/errors.ts'
import { printable, printableLines } from '../base/terminal-text.ts'
import { ConnectError } from '../dist/connect-error.ts'
import { isUnknownHost } from '../epmd/connect.ts'
import { jsonLine, paintFor } from './output.ts'
import { UsageError } from './usage-error.ts'

/** The command could not do what it was asked for. */
const FAILED = 1
/** The command was asked for something that makes no sense; 2 as everywhere. */
const USAGE = 2

const USAGE_CODES: ReadonlySet<string> = new Set<ErrorCode>(['ERR_CONFIG', 'ERR_INVALID_OPTION', 'ERR_PARSE'])

/** What to do next, where the error's own sentence does not say it. */
const nextSteps: { readonly [code in ErrorCode]?: string } = {
  ERR_CALL_EXIT: 'The server saw the request and ended, as it does with one it does not know.',
  ERR_CONNECT_COOKIE: "Give that node's cookie with --cookie or TSUNAGI_COOKIE.",
  ERR_CONNECT_NOT_REGISTERED: 'See who is there with: tsunagi names HOST',
  ERR_EPMD_UNREACHABLE: 'Start a node there, or an EPMD with: tsunagi epmd',
  ERR_LISTEN: 'Choose another port, or 0 for one that is free.',
  ERR_NAME_TAKEN: 'Choose another --name, or see who is there with: tsunagi names',
  ERR_NOPROC: "Names are exact; an Elixir module's is Elixir.Module.",
  ERR_PARSE: `Terms are written in Erlang syntax, in quotes for the shell: '{temperature, 42}'`,
  ERR_RPC_UNDEF: "Names are exact; an Elixir module's is Elixir.Module. A Tsunagi node must expose the function.",
  ERR_TIMEOUT: 'Wait longer with --timeout.',
}

/**
 * Says on stderr what went wrong, in a sentence and with a next step, or as a line of JSON; with `DEBUG` set also where.
 *
 * @param args of the command
 * @returns the exit code
 */
export function reportFailure(error: unknown, args: readonly string[]): number {
  if (error instanceof CommanderError) {
    // It has printed the help or the version that was asked for; or the help for want of a command.
    return error.exitCode === 0 ? 0 : USAGE
  }
  const { code, message } = describeFailure(error)
  const step = nextStep(error, args)
  if (args.includes('--json')) {
    process.stderr.write(`${jsonLine({ error: { code, message, ...(step === undefined ? {} : { step }) } })}\n`)
  } else {
    const paint = paintFor(process.stderr)
    const hint = step === undefined ? '' : `  ${paint.dim(printable(step))}\n`
    process.stderr.write(`${paint.red('tsunagi:')} ${printableLines(message)}\n${hint}`)
  }
  if (process.env.DEBUG && error instanceof Error) process.stderr.write(`${printableLines(error.stack ?? '')}\n`)
  return error instanceof UsageError || USAGE_CODES.has(code) ? USAGE : FAILED
}

/** What to do after an error, in a sentence or two. */
export function nextStep(error: unknown, args: readonly string[]): string | undefined {
  if (error instanceof UsageError) return error.step
  if (!(error instanceof TsunagiError)) return undefined
  const step = stepAfter(error, args[0])
  if (!(error instanceof ConnectError) || error.node === undefined || args[0] === 'doctor') return step
  const why = `Find out why with: tsunagi doctor ${asAddressed(error.node, args)}`
  return step === undefined ? why : `${step} ${why}`
}

/** What the code stands for may be something else with this command, or for this reason. */
function stepAfter(error: TsunagiError, command: string | undefined): string | undefined {
  for (let cause: unknown = error.cause; cause instanceof Error; cause = cause.cause) {
    if (isUnknownHost(cause)) return 'Check the name of the host, or say its address.'
  }
  if (error.code === 'ERR_LISTEN' && command === 'epmd')
    return 'Maybe an EPMD runs there already; ask it with: tsunagi names'
  if (error.code === 'ERR_NOPROC' && command === 'store')
    return 'The node has no such store: its program opens one with node.store().'
  return nextSteps[error.code]
}

/** A node as the command was told to reach it: `app@127.0.0.1:4000`, or with another port of EPMDs. */
function asAddressed(node: string, args: readonly string[]): string {
  const target = args.find((arg) => arg.startsWith(`${node}:`)) ?? node
  const at = args.indexOf('--epmd-port')
  return at === -1 ? target : `${target} --epmd-port ${args[at + 1]}`
}

/** The code and the sentence of anything that was thrown. */
export function describeFailure(error: unknown): { readonly code: string; readonly message: string } {
  if (error instanceof TsunagiError || error instanceof UsageError) return { code: error.code, message: error.message }
  if (error instanceof Error)
    return { code: (error as NodeJS.ErrnoException).code ?? 'ERR_FAILED', message: error.message }
  return { code: 'ERR_FAILED', message: String(error) }
}
