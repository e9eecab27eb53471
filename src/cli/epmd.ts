import { Command, Option } from 'commander'
import { stderrLogger } from '../base/logger.ts'
import { startEpmd } from '../epmd/epmd.ts'
import { aborted, onInterrupt } from './interrupt.ts'
import { jsonOption, portArgument, withExample } from './options.ts'
import { type OutputOptions, report } from './output.ts'

interface EpmdCommandOptions extends OutputOptions {
  readonly port?: number
  readonly address?: string[]
  readonly relaxed?: boolean
}

/** `tsunagi epmd`: an EPMD of its own in the foreground, as OTP's `epmd`. */
export function epmdCommand(): Command {
  const command = new Command('epmd')
    .description('Serve the port mapper in the foreground, until Ctrl-C or `epmd -kill`.')
    .option('--port <port>', 'where to listen (default: ERL_EPMD_PORT, else 4369)', portArgument)
    .addOption(
      new Option(
        '--address <address...>',
        'addresses to listen at beside loopback (default: ERL_EPMD_ADDRESS, else as the registered names need)',
      ),
    )
    .option('--relaxed', 'allow names to be stopped, and `epmd -kill` while there are names')
    .addOption(jsonOption('print events as lines of JSON'))
    .action(serve)
  return withExample(command, 'tsunagi epmd --port 4369')
}

async function serve({ port, address, relaxed, ...output }: EpmdCommandOptions): Promise<void> {
  const interrupt = onInterrupt()
  try {
    const server = await startEpmd({
      ...(port === undefined ? {} : { port }),
      ...(address === undefined ? {} : { address }),
      ...(relaxed === undefined ? {} : { relaxed }),
      logger: stderrLogger,
    })
    const where = (addresses: readonly string[]): string => `${addresses.join(', ')} port ${server.port}`
    server.on('register', (name) => report(output, { event: 'register', name }, `+ ${name}`))
    server.on('unregister', (name) => report(output, { event: 'unregister', name }, `- ${name}`))
    server.on('addresses', (addresses) => {
      report(output, { event: 'addresses', addresses }, `listening at ${where(addresses)}`)
    })
    const killed = new Promise<void>((resolve) => server.once('close', resolve))
    const { addresses } = server
    report(output, { event: 'listening', port: server.port, addresses }, `listening at ${where(addresses)}`)
    await Promise.race([killed, aborted(interrupt.signal)])
    await server.close()
  } finally {
    interrupt.release()
  }
}
