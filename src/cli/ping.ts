import { systemClock } from '../base/clock.ts'
import { TsunagiError } from '../base/errors.ts'
import { printable } from '../base/terminal-text.ts'
import { ConnectError } from '../dist/connect-error.ts'
import { nextStep } from './failure.ts'
import { type GuestOptions, withGuest } from './guest.ts'
import { paintFor, report } from './output.ts'

/** Pings a node. */
export async function ping(target: string, options: GuestOptions): Promise<void> {
  try {
    await withGuest(target, options, async (guest, node) => {
      const began = systemClock.now()
      const answer = await guest.ping(node, { timeout: options.timeout })
      const ms = Number((systemClock.now() - began).toFixed(2))
      if (answer === 'pang') pang(options, node, undefined, 'it is connected, but its net_kernel does not say yes')
      else report(options, { node, answer, ms }, `pong from ${node} in ${ms} ms`)
    })
  } catch (error) {
    const expected = error instanceof ConnectError || (error instanceof TsunagiError && error.code === 'ERR_TIMEOUT')
    if (!expected) throw error
    pang(options, target, error.code, error.message)
    const step = nextStep(error, ['ping', target])
    if (step !== undefined && options.json !== true) {
      process.stderr.write(`  ${paintFor(process.stderr).dim(printable(step))}\n`)
    }
  }
}

function pang(options: GuestOptions, node: string, code: string | undefined, reason: string): void {
  report(options, { node, answer: 'pang', ...(code === undefined ? {} : { code }), reason }, `pang: ${reason}`)
  process.exitCode = 1
}
