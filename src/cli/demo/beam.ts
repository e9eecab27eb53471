import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Watched } from './watch.ts'

/** Where and as what the node starts. */
export interface BeamOptions {
  readonly name: string
  readonly cookie: string
  readonly epmdPort: number
  /** Whom it calls. */
  readonly counter: string
  readonly signal: AbortSignal
}

/** A program of another language, and how it is told what to do. */
interface Runtime {
  readonly language: 'Elixir' | 'Erlang'
  readonly command: string
  readonly args: (name: string, counter: string) => readonly string[]
  /** How the call looks there. */
  readonly call: (counter: string) => string
}

/** The first that is there is taken. */
const RUNTIMES: readonly Runtime[] = [
  {
    language: 'Elixir',
    command: 'elixir',
    args: (name, counter) => ['--name', name, '--erl', '-noinput -start_epmd false', '-e', inElixir(counter)],
    call: (counter) => `GenServer.call({:counter, :"${counter}"}, {:add, 10})`,
  },
  {
    language: 'Erlang',
    command: 'erl',
    args: (name, counter) => ['-noinput', '-start_epmd', 'false', '-name', name, '-eval', inErlang(counter)],
    call: (counter) => `gen_server:call({counter, '${counter}'}, {add, 10})`,
  },
]

/** An Elixir or Erlang node that calls a counter again and again. Nothing in it knows of Tsunagi. */
export class BeamNode {
  readonly name: string
  readonly language: Runtime['language']
  /** How it called the counter, in its language. */
  readonly call: string
  /** Resolves when the process is gone. */
  readonly exited: Promise<void>
  readonly #child: ChildProcess
  readonly #signal: AbortSignal
  readonly #watched = new Watched()
  #output = ''
  #end: string | undefined

  /** Of the first language that is installed and works; undefined where none does. */
  static async start(options: BeamOptions, started: (node: BeamNode) => void): Promise<BeamNode | undefined> {
    for (const runtime of RUNTIMES) {
      // The cookie goes by a file: arguments can be read by everybody on the machine.
      const home = await mkdtemp(join(tmpdir(), 'tsunagi-demo-'))
      await writeFile(join(home, '.erlang.cookie'), options.cookie, { mode: 0o400 })
      const node = new BeamNode(runtime, options, home)
      started(node)
      const answer = await node.printed('called').catch(() => undefined)
      if (answer !== undefined) return node
      await node.kill()
      options.signal.throwIfAborted()
    }
    return undefined
  }

  private constructor(runtime: Runtime, { name, epmdPort, counter, signal }: BeamOptions, home: string) {
    this.name = name
    this.language = runtime.language
    this.call = runtime.call(counter)
    this.#signal = signal
    this.#child = spawn(runtime.command, runtime.args(name, counter), {
      env: {
        PATH: process.env.PATH,
        HOME: home,
        ERL_EPMD_PORT: String(epmdPort),
        ERL_CRASH_DUMP_BYTES: '0',
        LC_ALL: 'C.UTF-8',
      },
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
    if (this.#child.pid !== undefined) this.#child.kill('SIGKILL')
    return this.exited
  }
}

/** It asks on while the counter's node is away for a while, and ends when that does not come back: the demo was killed. */
function inElixir(counter: string): string {
  return `
    counter = {:counter, :"${counter}"}
    IO.puts("called #{GenServer.call(counter, {:add, 10})}")
    ask = fn
      _ask, 0 -> System.halt()
      ask, left ->
        Process.sleep(500)
        ask.(ask, try do GenServer.call(counter, :get, 2000); 30 catch :exit, _ -> left - 1 end)
    end
    ask.(ask, 30)`
}

function inErlang(counter: string): string {
  return `
    Counter = {counter, '${counter}'},
    io:format("called ~tp~n", [gen_server:call(Counter, {add, 10})]),
    (fun Ask(0) -> halt();
         Ask(Left) ->
           timer:sleep(500),
           Ask(try gen_server:call(Counter, get, 2000), 30 catch exit:_ -> Left - 1 end)
     end)(30).`
}
