import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'

/** How a process ended: one of the two is set. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface OsProcessOptions {
  /** The whole environment; nothing is inherited. */
  readonly env: NodeJS.ProcessEnv
  readonly cwd?: string
  /** Sees each line first; a line it answers `true` for is not part of `output`. */
  readonly intercept?: (line: string) => boolean
  /** Runs once after the process ended, before `exited` resolves. */
  readonly cleanup?: () => void
}

export interface WaitOptions {
  /** The index in `output` to begin at, so that older lines do not count. Default 0. */
  readonly from?: number
  /** Milliseconds. Default 20,000. */
  readonly timeout?: number
}

// A test worker may be killed with tests still running. On Linux the kernel then ends what the worker started, also a
// process that was stopped; elsewhere only an orderly exit does.
const withParent = existsSync('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'KILL', '--'] : []
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** A child process whose stdout and stderr are read as lines, and that disposal surely ends, stopped ones too. */
export class OsProcess implements AsyncDisposable {
  /** Lines of stdout and stderr so far, in the order of their arrival. */
  readonly output: string[] = []
  /** Resolves when the process has ended and was reaped. Never rejects. */
  readonly exited: Promise<Exit>
  readonly command: string
  readonly #child: ChildProcess
  readonly #intercept: (line: string) => boolean
  readonly #watchers = new Set<() => void>()
  #exit: Exit | undefined
  #failure: Error | undefined

  constructor(file: string, args: readonly string[], options: OsProcessOptions) {
    this.command = [file, ...args].join(' ').slice(0, 200)
    this.#intercept = options.intercept ?? (() => false)
    const [program, ...rest] = [...withParent, file, ...args] as [string, ...string[]]
    this.#child = spawn(program, rest, { env: options.env, cwd: options.cwd, stdio: 'pipe' })
    running.add(this.#child)
    this.#read(this.#child.stdout)
    this.#read(this.#child.stderr)
    // Writing to a process that has just gone is no error of the test; what it waits for says so.
    this.#child.stdin?.on('error', () => {})
    this.exited = new Promise((resolve) => {
      const done = (exit: Exit) => {
        if (this.#exit !== undefined) return
        running.delete(this.#child)
        this.#exit = exit
        options.cleanup?.()
        this.#changed()
        resolve(exit)
      }
      this.#child.once('error', (error) => {
        this.#failure = error
        if (this.#child.pid === undefined) done({ code: null, signal: null })
      })
      this.#child.once('exit', (code, signal) => {
        // What it printed last may still be on its way; but a grandchild that holds the pipes must not keep us.
        const timer = setTimeout(() => done({ code, signal }), 500)
        this.#child.once('close', () => {
          clearTimeout(timer)
          done({ code, signal })
        })
      })
    })
  }

  /** The operating system's id. */
  get pid(): number {
    if (this.#child.pid === undefined) throw this.#gone('has no pid')
    return this.#child.pid
  }

  /** How it ended, or undefined while it runs. */
  get exit(): Exit | undefined {
    return this.#exit
  }

  /** Writes one line to its standard input. */
  writeLine(line: string): void {
    this.#child.stdin?.write(`${line}\n`)
  }

  /** Ends its standard input. */
  endInput(): void {
    this.#child.stdin?.end()
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    if (this.#exit === undefined) this.#child.kill(signal)
  }

  /** Resolves with the first line that matches, also one that came before; rejects when the process ends without it. */
  async waitForOutput(pattern: RegExp, options: WaitOptions = {}): Promise<string> {
    let next = options.from ?? 0
    return await this.waitUntil(
      () => {
        while (next < this.output.length) {
          const line = this.output[next++] as string
          if (pattern.test(line)) return line
        }
        return undefined
      },
      `to print ${pattern}`,
      options.timeout,
    )
  }

  /** Resolves with the first answer of `look` that is not undefined; it is asked after each line, and at the end. */
  async waitUntil<T>(look: () => T | undefined, what: string, timeout = 20_000): Promise<T> {
    return await new Promise((resolve, reject) => {
      const finish = () => {
        clearTimeout(timer)
        this.#watchers.delete(check)
      }
      const check = () => {
        const found = look()
        if (found !== undefined) {
          finish()
          resolve(found)
        } else if (this.#exit !== undefined) {
          finish()
          reject(this.#gone(`ended while it was waited for ${what}`))
        }
      }
      const timer = setTimeout(() => {
        finish()
        reject(this.#gone(`was waited for ${what} in vain for ${timeout} ms`))
      }, timeout)
      this.#watchers.add(check)
      check()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // SIGKILL also ends a process that was stopped.
    this.kill('SIGKILL')
    await this.exited
  }

  #read(stream: NodeJS.ReadableStream | null): void {
    // The parts of a line that has not ended yet, joined once: lines of many MiB come through here.
    let parts: string[] = []
    const take = (line: string) => {
      if (!this.#intercept(line)) this.output.push(line)
    }
    stream?.setEncoding('utf8')
    stream?.on('data', (chunk: string) => {
      const lines = chunk.split('\n')
      parts.push(lines[0] as string)
      if (lines.length === 1) return
      take(parts.join(''))
      for (const line of lines.slice(1, -1)) take(line)
      parts = [lines.at(-1) as string]
      this.#changed()
    })
    stream?.once('end', () => {
      if (parts.join('') !== '') take(parts.join(''))
      this.#changed()
    })
  }

  #changed(): void {
    for (const watcher of [...this.#watchers]) watcher()
  }

  #gone(what: string): Error {
    const exit = this.#exit === undefined ? 'running' : `code ${this.#exit.code}, signal ${this.#exit.signal}`
    const lines = this.output.slice(-40).join('\n')
    return new Error(`${this.command}: ${what} (${exit})\n${lines}`, { cause: this.#failure })
  }
}
