import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { OsProcess } from './os-process.ts'
import { otpLoop } from './otp-loop.ts'
import { bareEnvironment, commandOf, hostRelease, type Release } from './releases.ts'

interface Common {
  /** Which installed OTP. Default: the host's own. */
  readonly release?: Release
  /** Further arguments for `erl`; those of Elixir nodes must hold no spaces. */
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** What the command has to begin with, such as `ip netns exec NAME`. */
  readonly within?: readonly string[]
}

interface Distributed extends Common {
  readonly name?: string
  readonly sname?: string
  /** Default `secret`. */
  readonly cookie?: string
  readonly hidden?: boolean
  /**
   * The EPMD to register with; who serves it is the test's choice, the node never starts one. False: none, and `args`
   * says how peers find the node (`-erl_epmd_port`).
   */
  readonly epmdPort: number | false
}

interface Undistributed extends Common {
  readonly name?: never
  readonly sname?: never
  readonly cookie?: never
  readonly hidden?: never
  readonly epmdPort?: never
}

export type OtpOptions = Distributed | Undistributed

export interface EvalOptions {
  /** Evaluate in a process of its own, beside whatever the node's evaluator is busy with. */
  readonly apart?: boolean
  /** Bytes the expression sees as variables: `{ Bin: … }` is `Bin` in Erlang and `bin` in Elixir. */
  readonly bind?: Readonly<Record<string, Uint8Array>>
  /** Milliseconds. Default 20,000. */
  readonly timeout?: number
}

/** The expression raised; `message` is the printed `{Class, Reason, Stack}`. */
export class OtpEvalError extends Error {}

/** Starts an Erlang node, with distribution when it is given a name, and waits until it evaluates. */
export async function startErl(options: OtpOptions = {}): Promise<OtpNode> {
  return await OtpNode.start('erlang', options)
}

/** Starts an Elixir node. Its expressions are Elixir. */
export async function startElixir(options: OtpOptions = {}): Promise<OtpNode> {
  return await OtpNode.start('elixir', options)
}

/**
 * A real OTP node. Expressions run one after another in one process, whose mailbox and dictionary last from one to the
 * next; variables do not.
 */
export class OtpNode implements AsyncDisposable {
  /** Its node name, `nonode@nohost` without distribution. */
  readonly name: string
  /** `erlang:system_info(otp_release)`. */
  readonly otp: string
  readonly process: OsProcess
  readonly #evaluator: Evaluator

  private constructor(process: OsProcess, evaluator: Evaluator, otp: string, name: string) {
    this.process = process
    this.#evaluator = evaluator
    this.otp = otp
    this.name = name
  }

  static async start(language: 'erlang' | 'elixir', options: OtpOptions): Promise<OtpNode> {
    const release = options.release ?? hostRelease()
    if (release === undefined) throw new Error('there is no Erlang on this machine: run scripts/otp-setup.sh')
    // Of its own, so that no node finds or makes the `.erlang.cookie` of the person who runs the tests.
    const home = mkdtempSync(join(release.root ?? '', release.root === undefined ? tmpdir() : 'tmp', 'tsunagi-otp-'))
    const evaluator = new Evaluator()
    const env: Record<string, string> = {
      ...bareEnvironment(release),
      HOME: home.slice(release.root?.length ?? 0),
      TSUNAGI_TEST_MARK: evaluator.mark,
      TSUNAGI_TEST_LANGUAGE: language,
      TSUNAGI_TEST_LOOP: otpLoop,
    }
    if (release.root !== undefined) {
      // Other root directories have no /etc/hosts.
      const names = JSON.stringify([...new Set([hostname(), hostname().split('.')[0], 'localhost'])])
      writeFileSync(join(home, 'inetrc'), `{host,{127,0,0,1},${names}}.\n{lookup,[file,native]}.\n`)
      env.ERL_INETRC = `${env.HOME}/inetrc`
    }
    if (typeof options.epmdPort === 'number') env.ERL_EPMD_PORT = String(options.epmdPort)
    const [program, args] = language === 'erlang' ? erlCommand(options) : elixirCommand(options)
    const [file, rest] = commandOf(release, program, args)
    const [command, ...words] = [...(options.within ?? []), file, ...rest] as [string, ...string[]]
    const child = new OsProcess(command, words, {
      env: { ...env, ...options.env },
      intercept: (line) => evaluator.read(line),
      cleanup: () => rmSync(home, { recursive: true, force: true }),
    })
    evaluator.attach(child)
    try {
      const [otp, pid, name] = (await evaluator.ready()).split(' ') as [string, string, string]
      if (Number(pid) !== child.pid) throw new Error(`the node is process ${pid}, but ${child.pid} was started`)
      return new OtpNode(child, evaluator, otp, name)
    } catch (error) {
      await child[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Evaluates and answers the value as it prints on one line (`~0tp`, or `inspect`). Rejects with {@link OtpEvalError}. */
  async eval(expression: string, options: EvalOptions = {}): Promise<string> {
    return (await this.#evaluator.ask('text', expression, options)).toString('utf8')
  }

  /** Evaluates an expression whose value is iodata and answers its bytes. */
  async evalBytes(expression: string, options: EvalOptions = {}): Promise<Buffer> {
    return await this.#evaluator.ask('bytes', expression, options)
  }

  /** What the node printed and logged so far. */
  get output(): readonly string[] {
    return this.process.output
  }

  /** See {@link OsProcess.waitForOutput}. */
  async waitForOutput(...args: Parameters<OsProcess['waitForOutput']>): Promise<string> {
    return await this.process.waitForOutput(...args)
  }

  /** SIGKILL, SIGSTOP, SIGCONT … to the emulator itself. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.process.kill(signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]()
  }
}

let marks = 0

/** The asking side of the protocol in `otp-loop.ts`. */
class Evaluator {
  readonly mark = `@tsunagi:${process.pid}:${++marks}@`
  readonly #answers = new Map<string, { ok: boolean; bytes: Buffer }>()
  #process: OsProcess | undefined
  #asked = 0

  attach(child: OsProcess): void {
    this.#process = child
  }

  /** Takes answers out of the output. What a program printed without a newline may stand before one. */
  read(line: string): boolean {
    const at = line.indexOf(this.mark)
    if (at === -1) return false
    const [id, tag, bytes] = line.slice(at + this.mark.length + 1).split(' ') as [string, string, string]
    this.#answers.set(id, { ok: tag === 'ok', bytes: Buffer.from(bytes, 'base64') })
    if (at > 0) this.#process?.output.push(line.slice(0, at))
    return true
  }

  /** Waits for the node's first sign of life: release, operating system's id and name. */
  async ready(): Promise<string> {
    return (await this.#answer('0', 'to boot', 45_000)).toString('utf8')
  }

  async ask(mode: 'text' | 'bytes', text: string, { apart, bind, timeout }: EvalOptions): Promise<Buffer> {
    const id = String(++this.#asked)
    const bound = Object.entries(bind ?? {}).flatMap(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')])
    const place = apart === true ? 'apart' : 'main'
    this.#process?.writeLine([id, mode, place, Buffer.from(text).toString('base64'), ...bound].join(' '))
    return await this.#answer(id, `to evaluate ${text}`, timeout)
  }

  async #answer(id: string, what: string, timeout: number | undefined): Promise<Buffer> {
    const child = this.#process as OsProcess
    const answer = await child.waitUntil(() => this.#answers.get(id), what, timeout)
    this.#answers.delete(id)
    if (!answer.ok) throw new OtpEvalError(answer.bytes.toString('utf8'))
    return answer.bytes
  }
}

// No scheduler of a test's node spins while it waits: the machine may have two cores for all of them.
const quiet = ['+sbwt', 'none', '+sbwtdcpu', 'none', '+sbwtdio', 'none']

function erlCommand(options: OtpOptions): [string, string[]] {
  const args = [...quiet, '-noinput', ...(options.args ?? [])]
  if (options.name !== undefined) args.push('-name', options.name)
  if (options.sname !== undefined) args.push('-sname', options.sname)
  if (isDistributed(options)) args.push('-start_epmd', 'false', '-setcookie', options.cookie ?? 'secret')
  if (options.hidden === true) args.push('-hidden')
  return ['erl', [...args, '-eval', `${otpLoop}.`]]
}

function elixirCommand(options: OtpOptions): [string, string[]] {
  const erl = [...quiet, '-noinput', ...(options.args ?? [])]
  const args: string[] = []
  if (options.name !== undefined) args.push('--name', options.name)
  if (options.sname !== undefined) args.push('--sname', options.sname)
  if (isDistributed(options)) {
    erl.push('-start_epmd', 'false')
    args.push('--cookie', options.cookie ?? 'secret')
  }
  if (options.hidden === true) args.push('--hidden')
  const loop =
    '{:ok, tokens, _} = :erl_scan.string(String.to_charlist(System.fetch_env!("TSUNAGI_TEST_LOOP") <> ".")); ' +
    '{:ok, expressions} = :erl_parse.parse_exprs(tokens); :erl_eval.exprs(expressions, [])'
  return ['elixir', [...args, '--erl', erl.join(' '), '--no-halt', '-e', loop]]
}

function isDistributed(options: OtpOptions): options is Distributed {
  return options.name !== undefined || options.sname !== undefined
}

/** Erlang's own port mapper. */
export interface Epmd extends AsyncDisposable {
  readonly port: number
  readonly process: OsProcess
}

/**
 * Starts the host's real `epmd` in the foreground and waits until it answers; on loopback only, unless `address` (a
 * comma list, as `-address` takes) says otherwise. Releases in other root directories share it.
 */
export async function startEpmd(port?: number, { address = '127.0.0.1' } = {}): Promise<Epmd> {
  const chosen = port ?? (await freePort())
  const args = ['-d', '-port', String(chosen), '-address', address]
  const epmd = new OsProcess('epmd', args, { env: bareEnvironment(undefined) })
  try {
    // It says that it runs before it listens.
    await epmd.waitForOutput(/epmd running/)
    const deadline = Date.now() + 10_000
    while (!(await answersNames(chosen, address.split(',')[0] as string))) {
      if (epmd.exit !== undefined || Date.now() > deadline) {
        throw new Error(`epmd does not answer on port ${chosen}:\n${epmd.output.slice(-20).join('\n')}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  } catch (error) {
    await epmd[Symbol.asyncDispose]()
    throw error
  }
  return { port: chosen, process: epmd, [Symbol.asyncDispose]: () => epmd[Symbol.asyncDispose]() }
}

/** Whether an EPMD answers NAMES_REQ with its port, the first word of every NAMES_RESP. */
async function answersNames(port: number, host: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, host, () => socket.write(Uint8Array.of(0, 1, 110)))
    socket.once('data', (data) => {
      resolve(data.readUInt32BE(0) === port)
      socket.destroy()
    })
    socket.once('error', () => resolve(false))
    socket.once('close', () => resolve(false))
  })
}

/** Ports a worker of Vitest draws from; those of its neighbours lie beside them. */
const PORTS = 2000
const firstPort = 20_000 + (Number(process.env.VITEST_POOL_ID ?? 0) % 5) * PORTS
let drawn = Math.floor(Math.random() * PORTS)

/**
 * A TCP port nobody listens on. It is below the range from which the kernel serves port 0 and outgoing connections, and
 * no other test file that runs now draws from the same ones: nobody takes it between this answer and its use.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = firstPort + (drawn++ % PORTS)
    if (await isFree(port)) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, () => server.close(() => resolve(true)))
  })
}
