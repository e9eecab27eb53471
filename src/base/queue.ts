/** Options of an {@link AsyncQueue}. */
export interface QueueOptions {
  /** Items held while nobody reads; the oldest is dropped above it. Default 1000. */
  readonly capacity?: number
  /** Ends the iteration when it aborts. */
  readonly signal?: AbortSignal | undefined
  /** Called once when the queue ends, by `close`, by the signal or because its reader left the loop. */
  readonly onClose?: () => void
}

/**
 * A bounded queue between callbacks and one `for await` loop. When the reader is slower than the writer the oldest
 * items go, and `dropped` counts them.
 */
export class AsyncQueue<T> implements AsyncIterableIterator<T>, AsyncDisposable {
  readonly #capacity: number
  readonly #signal: AbortSignal | undefined
  readonly #onClose: (() => void) | undefined
  #items: T[] = []
  #waiting: ((result: IteratorResult<T>) => void)[] = []
  #closed = false
  /** Items lost because the reader was too slow. */
  dropped = 0

  constructor(options: QueueOptions = {}) {
    this.#capacity = options.capacity ?? 1000
    this.#signal = options.signal
    this.#onClose = options.onClose
    if (this.#signal?.aborted) this.#closed = true
    this.#signal?.addEventListener('abort', this.#abort, { once: true })
  }

  get length(): number {
    return this.#items.length
  }

  get closed(): boolean {
    return this.#closed
  }

  push(item: T): void {
    if (this.#closed) return
    const waiting = this.#waiting.shift()
    if (waiting !== undefined) return waiting({ value: item, done: false })
    this.#items.push(item)
    if (this.#items.length > this.#capacity) {
      this.#items.shift()
      this.dropped++
    }
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#items.length > 0) return Promise.resolve({ value: this.#items.shift() as T, done: false })
    if (this.#closed) return Promise.resolve({ value: undefined, done: true })
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  return(): Promise<IteratorResult<T>> {
    this.#items = []
    this.close()
    return Promise.resolve({ value: undefined, done: true })
  }

  /** No more items are taken; the reader still gets those that are queued. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#signal?.removeEventListener('abort', this.#abort)
    for (const waiting of this.#waiting.splice(0)) waiting({ value: undefined, done: true })
    this.#onClose?.()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  readonly #abort = (): void => {
    this.#items = []
    this.close()
  }
}
