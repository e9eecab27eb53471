/** The signals that ask a command to end. */
const ENDING = ['SIGINT', 'SIGTERM'] as const

/**
 * A signal that aborts when the user or the system asks the command to end. Asked again, the command ends at once.
 *
 * @returns the signal, and a function that gives the system's default back
 */
export function onInterrupt(): { readonly signal: AbortSignal; readonly release: () => void } {
  const controller = new AbortController()
  const onSignal = (signal: NodeJS.Signals): void => {
    release()
    controller.abort(signal)
  }
  const release = (): void => {
    for (const signal of ENDING) process.off(signal, onSignal)
  }
  for (const signal of ENDING) process.on(signal, onSignal)
  return { signal: controller.signal, release }
}

/** Resolves when a signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
