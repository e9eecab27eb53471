import { readFileSync } from 'node:fs'
import { type Argument, Command } from 'commander'
import { callCommand } from './call.ts'
import { demoCommand } from './demo.ts'
import { doctorCommand } from './doctor.ts'
import { epmdCommand } from './epmd.ts'
import { reportFailure } from './failure.ts'
import { namesCommand } from './names.ts'
import { nodesCommand } from './nodes.ts'
import { pingCommand } from './ping.ts'
import { pubCommand } from './pub.ts'
import { rpcCommand } from './rpc.ts'
import { sendCommand } from './send.ts'
import { startCommand } from './start.ts'
import { storeCommand } from './store.ts'
import { subCommand } from './sub.ts'

/** The version of this package. */
export function version(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}

/** The `tsunagi` command with all its subcommands. */
export function createProgram(): Command {
  const program = new Command('tsunagi')
    .description('Nodes of an Erlang cluster, from the command line.')
    .version(version())
    .showHelpAfterError('(the same command with --help explains it)')
    // Without the word [options], which all of them have: the column is for what they do.
    .configureHelp({
      subcommandTerm: (command) => [command.name(), ...command.registeredArguments.map(argumentTerm)].join(' '),
    })
    .addHelpText(
      'after',
      `
Terms are written in Erlang syntax: '{temperature, 42}', '#{name => <<"Ada">>}'.
The cookie is --cookie, else TSUNAGI_COOKIE, else the one in ~/.erlang.cookie.
Exit codes: 0 done, 1 failed, 2 wrong usage.

Example:
  tsunagi demo`,
    )
  const commands = [
    startCommand(),
    epmdCommand(),
    namesCommand(),
    pingCommand(),
    nodesCommand(),
    callCommand(),
    rpcCommand(),
    sendCommand(),
    pubCommand(),
    subCommand(),
    storeCommand(),
    doctorCommand(),
    demoCommand(),
  ]
  for (const command of commands) {
    program.addCommand(command.copyInheritedSettings(program))
    for (const inner of command.commands) inner.copyInheritedSettings(program)
  }
  for (const command of [program, ...commands, ...commands.flatMap(({ commands }) => commands)]) command.exitOverride()
  return program
}

/** Runs the command with these arguments, reports what went wrong, and sets the exit code. */
export async function run(args: readonly string[]): Promise<void> {
  try {
    await createProgram().parseAsync(args, { from: 'user' })
  } catch (error) {
    process.exitCode = reportFailure(error, args.includes('--json'))
  }
}

/** `<node>`, `[args]`, as usage lines have them. */
function argumentTerm(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`
  return argument.required ? `<${name}>` : `[${name}]`
}
