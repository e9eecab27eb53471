import type { Observatory } from '../observatory.ts'
import { encodeEvent, encodeRetry } from './event-stream.ts'
import type { ViewerStream } from './viewer-stream.ts'
import type { Connection, Viewers } from './viewers.ts'

/** Milliseconds after which a browser comes again. */
const RETRY = 2000

/**
 * The messages of a topic, as they pass, for one viewer: the body of its answer; undefined when there are enough viewers. Who
 * does not keep up misses some, and is told how many.
 *
 * @throws what `Observatory.tail` does
 */
export function openTail(
  observatory: Observatory,
  viewers: Viewers,
  connection: Connection,
  { pubsub, topic }: { readonly pubsub: string; readonly topic: string },
): ViewerStream | undefined {
  let stop: (() => void) | undefined
  const stream = viewers.open(
    connection,
    () => {},
    () => stop?.(),
  )
  if (stream === undefined) return undefined
  let skipped = 0
  stream.write(encodeRetry(RETRY))
  try {
    stop = observatory.tail(pubsub, topic, (message) => {
      if (!stream.room) {
        skipped += 1 + message.skipped
        return
      }
      stream.write(encodeEvent(undefined, { ...message, skipped: message.skipped + skipped }))
      skipped = 0
    })
  } catch (error) {
    stream.close()
    throw error
  }
  return stream
}
