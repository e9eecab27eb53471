/** Bytes that may wait for a viewer. What it has not read by then is not put behind it. */
const HIGH_WATER = 256 * 1024

/** Options of a {@link ViewerStream}. */
export interface ViewerStreamOptions {
  /** There is room again. */
  readonly onRoom: () => void
  /** Called once: the viewer has gone, or was ended. */
  readonly onEnd: () => void
  /** Cuts the connection, where it is known: nobody may ever read what is left of the body. */
  readonly cut: (() => void) | undefined
}

/** The body of an answer that goes on and on, and never holds more than so many bytes for who does not read it. */
export class ViewerStream {
  readonly body: ReadableStream<Uint8Array>
  readonly #options: ViewerStreamOptions
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined
  #ended = false
  /** What `desiredSize` was when {@link stalled} looked last, and whether there has been room since. */
  #lastRoom = HIGH_WATER
  #hadRoom = true

  constructor(options: ViewerStreamOptions) {
    this.#options = options
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller
        },
        pull: () => {
          this.#hadRoom = true
          if (!this.#ended && this.room) options.onRoom()
        },
        cancel: () => this.#end(),
      },
      { highWaterMark: HIGH_WATER, size: (chunk) => chunk.byteLength },
    )
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Whether more may be written now. */
  get room(): boolean {
    return !this.#ended && (this.#controller?.desiredSize ?? 0) > 0
  }

  /** May go over the high-water mark by this one chunk. */
  write(chunk: Uint8Array): void {
    if (!this.#ended) this.#controller?.enqueue(chunk)
  }

  /** Whether nothing was read since this was asked last, though something waited to be, then as now. */
  stalled(): boolean {
    const room = this.#controller?.desiredSize ?? 0
    const stalled = room <= 0 && this.#lastRoom <= 0 && room <= this.#lastRoom && !this.#hadRoom
    this.#lastRoom = room
    this.#hadRoom = false
    return stalled
  }

  /** No more comes; what was written is still sent. */
  close(): void {
    if (this.#ended) return
    this.#controller?.close()
    this.#end()
  }

  /** Nothing more is sent. */
  cut(): void {
    if (this.#ended) return
    const { cut } = this.#options
    if (cut === undefined) this.#controller?.error(new Error('the viewer reads too slowly'))
    this.#end()
    cut?.()
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#options.onEnd()
  }
}
