import { listNames } from '../epmd/client.ts'
import { epmdEnvironment } from '../epmd/environment.ts'
import { columns, type OutputOptions, report } from './output.ts'

interface NamesOptions extends OutputOptions {
  readonly port?: number
  readonly timeout: number
}

/** Lists the names of an EPMD. */
export async function names(
  host: string,
  { port = epmdEnvironment().port, timeout, ...output }: NamesOptions,
): Promise<void> {
  const found = await listNames({ host, port, timeout })
  const names = found.map(({ name, port }) => ({ name, port })).sort((a, b) => (a.name < b.name ? -1 : 1))
  const table = columns(names.map(({ name, port }) => [name, String(port)]))
  report(output, { host, port, names }, names.length === 0 ? `the EPMD at ${host}:${port} knows no nodes` : table)
}
