import { systemClock } from '../../base/clock.ts'
import { atom, isTuple, tuple } from '../../term/index.ts'
import type { TsunagiNode } from '../../tsunagi.ts'

/** How often a temperature is published, ms. */
const EVERY = 500

const TEMPERATURE = atom('temperature')

/** Publishes a temperature that goes up and down a little, for as long as the node lives, and tells what all publish. */
export function measure(node: TsunagiNode, heard: (node: string, celsius: number) => void): void {
  const pubsub = node.pubsub('Demo.PubSub')
  pubsub.subscribe('temperatures', {
    onMessage(message, { node: from }) {
      if (from !== undefined && isTuple(message) && typeof message[1] === 'number') heard(from, message[1])
    },
  })
  let celsius = 18 + Math.random() * 6
  const publish = (): void => {
    if (node.closed) return
    celsius = Math.min(30, Math.max(10, celsius + Math.random() - 0.5))
    pubsub.broadcast('temperatures', tuple(TEMPERATURE, Math.round(celsius * 10) / 10))
    systemClock.after(EVERY, publish)
  }
  publish()
}
