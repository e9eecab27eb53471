import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { abortable } from '../../src/base/deadline.ts'

it('leaves no rejection to nobody when the signal has aborted before', async () => {
  const unhandled: unknown[] = []
  const note = (reason: unknown): void => void unhandled.push(reason)
  process.on('unhandledRejection', note)
  try {
    const gone = new Error('gone')
    await expect(abortable(Promise.reject(gone), AbortSignal.abort(gone))).rejects.toBe(gone)
    // A rejection that nobody handles is told when the turn is over.
    await nextTurn()
    expect(unhandled).toEqual([])
  } finally {
    process.off('unhandledRejection', note)
  }
})
