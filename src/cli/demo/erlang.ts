import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Watched } from './watch.ts'

/** Where and as what the Erlang node starts. */
export interface ErlangOptions {
  readonly name: string
  readonly cookie: string
  readonly epmdPort: number
  /** Whom it calls. */
  readonly counter: string
  readonly signal: AbortSignal
}

/** An `erl` node that calls a counter, waits for a message and ends. Nothing in it knows of Tsunagi. */
export class ErlangNode {
  readonly name: string
  /** Resolves when the process is gone. */
  readonly exited: Promise<void>
  readonly #child: ChildProcess
  readonly #signal: AbortSignal
  readonly #watched = new Watched()
  #output = ''
  #end: string | undefined

  /** Undefined where there is no Erlang. */
  static async start(options: ErlangOptions): Promise<ErlangNode | undefined> {
    // The cookie goes by a file: arguments can be read by everybody on the machine.
    const home = await mkdtemp(join(tmpdir(), 'tsunagi-demo-'))
    await writeFile(join(home, '.erlang.cookie'), options.cookie, { mode: 0o400 })
    const node = new ErlangNode(options, home)
    return await new Promise((resolve, reject) => {
      node.#child.once('spawn', () => resolve(node))
      node.#child.once('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') resolve(undefined)
        else reject(error)
      })
    })
  }

  private constructor({ name, epmdPort, counter, signal }: ErlangOptions, home: string) {
    this.name = name
    this.#signal = signal
    const args = ['-noinput', '-start_epmd', 'false', '-name', name, '-eval', program(counter)]
    this.#child = spawn('erl', args, {
      env: { PATH: process.env.PATH, HOME: home, ERL_EPMD_PORT: String(epmdPort), ERL_CRASH_DUMP_BYTES: '0' },
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C is the demo's to handle; at a BEAM it would open a menu.
      detached: true,
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-10_000)
        this.#watched.changed()
      })
    }
    this.exited = new Promise((resolve) => {
      const gone = (how: string): void => {
        this.#end = how
        this.#watched.changed()
        resolve(rm(home, { recursive: true, force: true }))
      }
      this.#child.once('error', (error) => gone(error.message))
      this.#child.once('close', (code, by) => gone(by === null ? `exit code ${code}` : `signal ${by}`))
    })
  }

  /** Resolves with what it printed after a word at the beginning of a line. */
  printed(word: string): Promise<string> {
    const look = (): string | undefined => {
      const found = new RegExp(`^${word} (.*)$`, 'm').exec(this.#output)?.[1]
      if (found === undefined && this.#end !== undefined) {
        throw new Error(`${this.name} ended unexpectedly (${this.#end})\n${this.#output}`.trimEnd())
      }
      return found
    }
    return this.#watched.until(look, `for ${this.name} to say what it ${word}`, this.#signal)
  }

  kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    return this.exited
  }
}

function program(counter: string): string {
  return `
    register(demo, self()),
    io:format("called ~tp~n", [gen_server:call({counter, '${counter}'}, {add, 10})]),
    monitor_node('${counter}', true),
    receive
      {hello, Text} -> io:format("received ~ts~n", [Text]);
      {nodedown, _} -> abandoned
    end,
    halt().`
}
