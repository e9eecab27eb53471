import type { Epoch } from './epoch.ts'
import type { Message } from './messages.ts'

/**
 * How far above what this node knows an epoch may be. One comes with each new loader; so nobody who keeps to the rules is ever
 * this far ahead, and nobody who does not can use the numbers up.
 */
export const MOST_AHEAD = 2 ** 26

/** The highest number of an epoch that a message speaks of, and that its receiver may take over. */
export function claimedEpoch(message: Message): number {
  switch (message.kind) {
    case 'hello':
      return message.highest
    case 'append':
    case 'hand-over':
      return message.epoch.epoch
    case 'appended':
    case 'vote-request':
    case 'vote':
      return Math.max(message.epoch.epoch, 'promised' in message ? message.promised.epoch : message.last.epoch)
    case 'recovered':
      return Math.max(message.promised.epoch, message.leads?.epoch ?? 0)
    case 'snapshot':
      return Math.max(message.epoch.epoch, message.position.epoch, highestOf(message.last?.reaches))
    case 'join':
      return Math.max(message.position.epoch, highestOf(message.reaches))
    case 'offer':
      return highestOf(message.last?.reaches)
    default:
      return 0
  }
}

function highestOf(epochs: readonly Epoch[] = []): number {
  let highest = 0
  for (const { epoch } of epochs) highest = Math.max(highest, epoch)
  return highest
}
