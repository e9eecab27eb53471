import { stderrLogger } from '../base/logger.ts'
import { startEpmd } from '../epmd/epmd.ts'
import { aborted, onInterrupt } from './interrupt.ts'
import { type OutputOptions, report } from './output.ts'

interface EpmdCommandOptions extends OutputOptions {
  readonly port?: number
  readonly address?: string[]
  readonly relaxed?: boolean
}

/** Serves until it is asked to end. */
export async function serve({ port, address, relaxed, ...output }: EpmdCommandOptions): Promise<void> {
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
