/** The body of the thread that `server-thread.ts` starts. Imports the server and nothing more, to start fast. */
import { parentPort, workerData } from 'node:worker_threads'
import type { Logger } from '../base/logger.ts'
import { EpmdServer } from './server.ts'
import type { FromWorker, ServeOptions } from './server-thread.ts'

const tell = (message: FromWorker): void => parentPort?.postMessage(message)

const log =
  (level: keyof Logger) =>
  (data: object, text: string): void =>
    tell({ type: 'log', level, data: { ...data, err: undefined }, text })

const server = new EpmdServer({
  ...(workerData as ServeOptions),
  logger: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
})
server.on('addresses', (addresses) => tell({ type: 'addresses', addresses }))

parentPort?.once('message', () => {
  void server.close().then(() => parentPort?.close())
})

try {
  await server.listen()
  tell({ type: 'listening', port: server.port, addresses: server.addresses })
} catch (error) {
  const cause = (error as Error).cause as NodeJS.ErrnoException
  tell({ type: 'failed', code: cause.code, text: cause.message })
  parentPort?.close()
}
