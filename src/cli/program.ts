import { readFileSync } from 'node:fs'
import { type Argument, Command } from 'commander'
import { callCommand } from './commands/call.ts'
import { completionCommand } from './commands/completion.ts'
import { demoCommand } from './commands/demo.ts'
import { doctorCommand } from './commands/doctor.ts'
import { epmdCommand } from './commands/epmd.ts'
import { namesCommand } from './commands/names.ts'
import { nodesCommand } from './commands/nodes.ts'
import { pingCommand } from './commands/ping.ts'
import { pubCommand } from './commands/pub.ts'
import { rpcCommand } from './commands/rpc.ts'
import { sendCommand } from './commands/send.ts'
import { startCommand } from './commands/start.ts'
import { storeCommand } from './commands/store.ts'
import { subCommand } from './commands/sub.ts'
import { topCommand } from './commands/top.ts'
import { COMPLETE } from './completion-protocol.ts'
import { UsageError } from './usage-error.ts'

/** The version of this package. */
export function version(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}

/** The `tsunagi` command with all its subcommands. What they do is loaded when they do it. */
export function createProgram(): Command {
  const program = new Command('tsunagi')
    .description('Nodes of an Erlang cluster, from the command line.')
    .version(version())
    // Without the word [options], which all of them have: the column is for what they do.
    .configureHelp({
      subcommandTerm: (command) => [command.name(), ...command.registeredArguments.map(argumentTerm)].join(' '),
    })
    // Whoever runs the program says what is wrong, as a sentence or as JSON.
    .configureOutput({ outputError: () => {} })
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
    topCommand(),
    demoCommand(),
    completionCommand(),
  ]
  for (const command of commands) {
    program.addCommand(command.copyInheritedSettings(program))
    for (const inner of command.commands) inner.copyInheritedSettings(program)
  }
  for (const command of [program, ...commands, ...commands.flatMap(({ commands }) => commands)]) {
    command.exitOverride((error) => {
      throw UsageError.of(error, command)
    })
  }
  return program
}

/** Runs the command with these arguments, reports what went wrong, and sets the exit code. */
export async function run(args: readonly string[]): Promise<void> {
  try {
    if (args[0] === COMPLETE) return await (await import('./complete.ts')).complete(createProgram(), args.slice(1))
    await createProgram().parseAsync(args, { from: 'user' })
  } catch (error) {
    const { reportFailure } = await import('./failure.ts')
    process.exitCode = reportFailure(error, args)
  }
}

/** `<node>`, `[args]`, as usage lines have them. */
function argumentTerm(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`
  return argument.required ? `<${name}>` : `[${name}]`
}
