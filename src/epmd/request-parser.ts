import { type Decoded, decodeRequest, type EpmdRequest, maxRequestBytes } from './wire.ts'

/**
 * Puts one request together from chunks cut anywhere. A connection carries a single request, so bytes after it are an
 * error. Never holds more than {@link maxRequestBytes}.
 */
export class RequestParser {
  #head = -1
  #body: Uint8Array | undefined
  #filled = 0

  push(chunk: Uint8Array): Decoded<EpmdRequest> {
    let offset = 0
    while (this.#body === undefined) {
      const byte = chunk[offset++]
      if (byte === undefined) return { status: 'more' }
      if (this.#head === -1) {
        this.#head = byte
        continue
      }
      const length = this.#head * 256 + byte
      if (length === 0 || length > maxRequestBytes) {
        return { status: 'bad', reason: `a request of ${length} bytes` }
      }
      this.#body = new Uint8Array(length)
    }
    const rest = chunk.subarray(offset)
    if (rest.length > this.#body.length - this.#filled) {
      return { status: 'bad', reason: 'bytes after the request' }
    }
    this.#body.set(rest, this.#filled)
    this.#filled += rest.length
    return this.#filled < this.#body.length ? { status: 'more' } : decodeRequest(this.#body)
  }
}
