import { Command } from 'commander'
import { listNames } from '../epmd/client.ts'
import { epmdEnvironment } from '../epmd/environment.ts'
import { jsonOption, portArgument, timeoutOption, withExample } from './options.ts'
import { columns, type OutputOptions, report } from './output.ts'

interface NamesOptions extends OutputOptions {
  readonly port?: number
  readonly timeout: number
}

/** `tsunagi names`: what `epmd -names` tells, of any host. */
export function namesCommand(): Command {
  const command = new Command('names')
    .description('List the nodes an EPMD knows, with their ports.')
    .argument('[host]', 'host of the EPMD', '127.0.0.1')
    .option('--port <port>', 'port of the EPMD (default: ERL_EPMD_PORT, else 4369)', portArgument)
    .addOption(timeoutOption(5000))
    .addOption(jsonOption())
    .action(names)
  return withExample(command, 'tsunagi names 127.0.0.1 --port 4369')
}

async function names(host: string, { port = epmdEnvironment().port, timeout, ...output }: NamesOptions): Promise<void> {
  const found = await listNames({ host, port, timeout })
  const names = found.map(({ name, port }) => ({ name, port })).sort((a, b) => (a.name < b.name ? -1 : 1))
  const table = columns(names.map(({ name, port }) => [name, String(port)]))
  report(output, { host, port, names }, names.length === 0 ? `the EPMD at ${host}:${port} knows no nodes` : table)
}
