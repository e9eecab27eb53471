const encoder = new TextEncoder()

/** One event of `text/event-stream`, encoded. `data` is JSON, which has no line breaks. */
export function encodeEvent(event: string | undefined, data: unknown, id?: number): Uint8Array {
  const head = `${id === undefined ? '' : `id: ${id}\n`}${event === undefined ? '' : `event: ${event}\n`}`
  return encoder.encode(`${head}data: ${JSON.stringify(data)}\n\n`)
}

/** How long a browser waits before it comes again, in milliseconds. */
export function encodeRetry(ms: number): Uint8Array {
  return encoder.encode(`retry: ${ms}\n\n`)
}

/** Keeps proxies from taking the connection for a dead one. */
export const HEARTBEAT: Uint8Array = encoder.encode(': \n\n')

/** Headers of an answer that is such a stream. */
export const STREAM_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store, no-transform',
  // nginx would hold events back.
  'x-accel-buffering': 'no',
}
