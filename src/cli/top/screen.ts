import { emitKeypressEvents, type Key } from 'node:readline'

/** Leaves and comes back to what was on the terminal, without and with a cursor. */
const ENTER = '\u001b[?1049h\u001b[?25l'
const LEAVE = '\u001b[?25h\u001b[?1049l'

/** What the screen shows: lines that stay, and between them one that can be longer than there is room. */
export interface Picture {
  readonly head: readonly string[]
  readonly body: readonly string[]
  readonly foot: readonly string[]
}

/** The whole terminal, drawn over without flicker; gone when it is disposed of. */
export class Screen implements Disposable {
  readonly #output: NodeJS.WriteStream
  readonly #input: NodeJS.ReadStream
  readonly #onKey: (text: string | undefined, key: Key) => void
  readonly #onResize: () => void
  #offset = 0
  #overflow = 0

  /**
   * @param keyed gets each key as text (`q`, `ctrl-c`), and what it is called (`up`); none where the input is no terminal
   * @param resized asks for the picture anew
   */
  constructor(
    keyed: (key: string, name: string | undefined) => void,
    resized: () => void,
    output = process.stdout,
    input = process.stdin,
  ) {
    this.#output = output
    this.#input = input
    this.#onKey = (text, { name, ctrl }) => keyed(ctrl === true ? `ctrl-${name}` : (text ?? name ?? ''), name)
    this.#onResize = resized
    output.write(ENTER)
    output.on('resize', this.#onResize)
    // The terminal is as it was, however this program ends.
    process.on('exit', this.#leave)
    if (input.isTTY === true) {
      input.setRawMode(true)
      emitKeypressEvents(input)
      input.on('keypress', this.#onKey).resume()
    }
  }

  get width(): number {
    return this.#output.columns ?? 80
  }

  /** Moves the body by lines: down, or up where it is negative. */
  scroll(lines: number): void {
    this.#offset = Math.max(0, Math.min(this.#overflow, this.#offset + lines))
  }

  /** How many lines the body has room for. */
  room({ head, foot }: Picture): number {
    return Math.max(1, (this.#output.rows ?? 24) - head.length - foot.length)
  }

  draw(picture: Picture): void {
    const room = this.room(picture)
    const { head, body, foot } = picture
    this.#overflow = Math.max(0, body.length - room)
    this.#offset = Math.min(this.#offset, this.#overflow)
    const shown = body.slice(this.#offset, this.#offset + room)
    const blank = Array.from({ length: room - shown.length }, () => '')
    const lines = [...head, ...shown, ...blank, ...foot]
    this.#output.write(`\u001b[H${lines.map((line) => `${line}\u001b[K`).join('\r\n')}\u001b[J`)
  }

  readonly #leave = (): void => {
    this.#output.write(LEAVE)
  };

  [Symbol.dispose](): void {
    this.#output.off('resize', this.#onResize)
    process.off('exit', this.#leave)
    if (this.#input.isTTY === true) {
      this.#input.off('keypress', this.#onKey)
      this.#input.setRawMode(false)
      this.#input.pause()
    }
    this.#leave()
  }
}
