import type { EventEmitter } from 'node:events'

/**
 * Calls the listeners of an event. One that throws keeps none of the others from hearing of it, and is reported as uncaught,
 * as usual, but not in the midst of our own work.
 */
export function tellListeners<Events extends Record<keyof Events, unknown[]>, K extends keyof Events & string>(
  emitter: Pick<EventEmitter, 'rawListeners'>,
  event: K,
  args: Events[K],
): void {
  for (const listener of emitter.rawListeners(event)) {
    try {
      listener.apply(emitter, args)
    } catch (error) {
      process.nextTick(() => {
        throw error
      })
    }
  }
}
