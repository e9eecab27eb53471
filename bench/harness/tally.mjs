/** Counts what arrives, and takes the time from the first message to the last. */
export class Tally {
  #expected = 0
  #received = 0
  #sum = 0
  #first = 0
  #last = 0
  /** @type {Promise<void>} */
  #done = Promise.resolve()
  /** @type {() => void} */
  #finish = () => {}

  /** @param {number} count messages to come */
  arm(count) {
    this.#expected = count
    this.#received = 0
    this.#sum = 0
    this.#done = new Promise((resolve) => {
      this.#finish = resolve
    })
  }

  /** @param {number} check what this message adds to the sum */
  take(check) {
    if (this.#received === 0) this.#first = performance.now()
    this.#sum += check
    if (++this.#received === this.#expected) {
      this.#last = performance.now()
      this.#finish()
    }
  }

  async collect() {
    await this.#done
    return { received: this.#received, sum: this.#sum, ms: this.#last - this.#first }
  }
}
