import { connect as connectTcp, type Socket } from 'node:net'
import type { Clock } from '../../base/clock.ts'
import { abortable, withDeadline } from '../../base/deadline.ts'

/** How long a port may take, in milliseconds. */
export const PATIENCE = 5_000

/** What came of opening a connection. */
export type Reached = { readonly address: string } | { readonly failure: NodeJS.ErrnoException }

/** What a probe needs beside a place. */
export interface ProbeOptions {
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Opens a TCP connection and closes it again; `ETIMEDOUT` after {@link PATIENCE}. Rejects with the signal's reason. */
export async function reach(host: string, port: number, options: ProbeOptions): Promise<Reached> {
  const socket = connectTcp({ host, port, autoSelectFamily: true })
  try {
    const late: Reached = { failure: Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' }) }
    return await settled<Reached>(socket, options, late, (resolve) => {
      socket.once('connect', () => resolve({ address: socket.remoteAddress ?? host }))
      socket.once('error', (failure) => resolve({ failure }))
    })
  } finally {
    socket.destroy()
  }
}

/** Whether a port speaks TLS: it greets, or turns us away, in it. Rejects with the signal's reason. */
export async function speaksTls(host: string, port: number, options: ProbeOptions): Promise<boolean> {
  // Loaded when it is needed: it takes longer than all else here. Whose certificate it is makes no difference.
  const { connect: connectTls } = await import('node:tls')
  const socket = connectTls({ host, port, rejectUnauthorized: false })
  try {
    return await settled(socket, options, false, (resolve) => {
      socket.once('secureConnect', () => resolve(true))
      // An alert is TLS, too.
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(/ALERT/i.test(error.code ?? '')))
      socket.once('close', () => resolve(false))
    })
  } finally {
    socket.destroy()
  }
}

/** The outcome that `watch` finds, or `late`. */
async function settled<T>(
  socket: Socket,
  { clock, signal }: ProbeOptions,
  late: T,
  watch: (resolve: (value: T) => void) => void,
): Promise<T> {
  const expired = new Error('the probe took too long')
  const limits = { timeout: PATIENCE, clock, signal }
  try {
    return await withDeadline(
      limits,
      () => expired,
      (limit) => abortable(new Promise<T>(watch), limit),
    )
  } catch (error) {
    if (error !== expired) throw error
    return late
  } finally {
    // A socket that was destroyed may still fail; nobody is to hear of that.
    socket.on('error', () => {})
  }
}
