import { lookup as resolve } from 'node:dns/promises'
import { isIP, connect as netConnect, type Socket } from 'node:net'
import type { Clock } from '../base/clock.ts'
import { abortable, withDeadline } from '../base/deadline.ts'
import { EpmdError } from './errors.ts'

/** Where an EPMD is, and how long to try. */
export interface EpmdTarget {
  /** Host name or address. */
  readonly host: string
  readonly port: number
  /** Milliseconds for all addresses together. */
  readonly timeout: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

/**
 * A connection to the EPMD at `host`. A host with several addresses (of both families) is tried address by address,
 * each but the last for its share of the time.
 *
 * @throws {EpmdError} ERR_EPMD_UNREACHABLE, ERR_EPMD_TIMEOUT; or the signal's reason
 */
export async function connectEpmd(target: EpmdTarget): Promise<Socket> {
  const { host, port, clock, signal } = target
  const addresses = await addressesOf(target)
  const until = clock.now() + target.timeout
  const failures: unknown[] = []
  for (const [index, address] of addresses.entries()) {
    const timeout = (until - clock.now()) / (addresses.length - index)
    const late = () => new EpmdError('ERR_EPMD_TIMEOUT', `${address}:${port} did not accept in time`, target)
    try {
      return await withDeadline({ timeout, clock, signal }, late, (limit) => connectTo(address, port, limit))
    } catch (error) {
      signal.throwIfAborted()
      failures.push(error)
    }
  }
  const cause = failures.length === 1 ? failures[0] : new AggregateError(failures, `no address of ${host} answers`)
  if (failures.every((it) => it instanceof EpmdError || (it as NodeJS.ErrnoException).code === 'ETIMEDOUT')) {
    throw new EpmdError('ERR_EPMD_TIMEOUT', `no EPMD accepted in time at ${host}:${port}`, target, { cause })
  }
  throw new EpmdError('ERR_EPMD_UNREACHABLE', `no EPMD at ${host}:${port} (${reasonOf(failures)})`, target, { cause })
}

async function addressesOf(target: EpmdTarget): Promise<string[]> {
  const { host, port, signal } = target
  if (isIP(host) !== 0) return [host]
  try {
    const found = await abortable(resolve(host, { all: true }), signal)
    return [...new Set(found.map((it) => it.address))]
  } catch (cause) {
    signal.throwIfAborted()
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause)
    const message = isUnknownHost(cause)
      ? `the host ${host} is not known (${reason})`
      : `no EPMD at ${host}:${port} (${reason})`
    throw new EpmdError('ERR_EPMD_UNREACHABLE', message, target, { cause })
  }
}

/** Whether an error says that a host name has no address, or that whoever would know it does not answer. */
export function isUnknownHost(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  return code === 'ENOTFOUND' || code === 'EAI_AGAIN'
}

/** One TCP connection; rejects with the system's error or the signal's reason. */
export function connectTo(address: string, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const socket = netConnect({ host: address, port, noDelay: true })
    const onAbort = (): void => {
      socket.destroy()
      reject(signal.reason)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    socket.once('connect', () => {
      signal.removeEventListener('abort', onAbort)
      resolve(socket)
    })
    socket.once('error', (error) => {
      signal.removeEventListener('abort', onAbort)
      reject(error)
    })
  })
}

function reasonOf(failures: readonly unknown[]): string {
  const reasons = failures.map((it) => (it as NodeJS.ErrnoException).code ?? String(it))
  return [...new Set(reasons)].join(', ')
}
