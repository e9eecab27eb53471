import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/**
 * A port nobody listens at. It is below the range from which systems serve port 0 and outgoing connections, so that none
 * of those takes it between this answer and its use.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 30_000)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, () => server.close(() => resolve(true)))
  })
}
