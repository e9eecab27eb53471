import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/**
 * A port nobody listens at: the preferred one if that is free, else one below the range from which systems serve port 0 and
 * outgoing connections, so that none of those takes it between this answer and its use.
 */
export async function freePort(preferred?: number): Promise<number> {
  if (preferred !== undefined && (await isFree(preferred))) return preferred
  for (;;) {
    const port = randomInt(20_000, 30_000)
    if (await isFree(port)) return port
  }
}

/** At all addresses, and at loopback, where one may listen beside the other. */
async function isFree(port: number): Promise<boolean> {
  return (await canListen(port)) && (await canListen(port, '127.0.0.1'))
}

function canListen(port: number, host?: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => server.close(() => resolve(true)))
  })
}
