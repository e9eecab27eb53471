import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/**
 * A child process that obeys lines and answers lines: a command is words on its standard input, an answer is `= ` and
 * JSON on its standard output, in the order of the commands. What it prints besides is kept for error messages.
 * It ends when its standard input does, so none outlives a killed run.
 */
export class Endpoint {
  #child
  #label
  #timeout
  /** @type {{ resolve: (value: any) => void, reject: (reason: Error) => void }[]} */
  #waiting = []
  /** @type {string[]} */
  #noise = []
  #exited

  /**
   * @param {string} command
   * @param {string[]} args
   * @param {{ label: string, timeout: number, cwd?: string, env?: NodeJS.ProcessEnv }} options timeout of one command, in ms
   */
  constructor(command, args, { label, timeout, cwd, env }) {
    this.#label = label
    this.#timeout = timeout
    this.#child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] })
    this.#exited = new Promise((resolve) => {
      this.#child.once('error', (error) => this.#fail(error.message))
      this.#child.once('close', (code, signal) => {
        this.#fail(`ended with ${signal ?? `exit code ${code}`}`)
        resolve(undefined)
      })
    })
    this.#child.stdin.on('error', () => {})
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#read(line))
    createInterface({ input: this.#child.stderr }).on('line', (line) => this.#keep(line))
  }

  get pid() {
    return this.#child.pid
  }

  /**
   * @param {...(string | number)} words
   * @returns {Promise<any>} the answer
   */
  ask(...words) {
    this.#child.stdin.write(`${words.join(' ')}\n`)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#fail(`did not answer "${words.join(' ')}"`), this.#timeout)
      this.#waiting.push({
        resolve: (answer) => {
          clearTimeout(timer)
          if (answer.error === undefined) resolve(answer)
          else reject(new Error(`${this.#label}: ${answer.error}`))
        },
        reject: (reason) => {
          clearTimeout(timer)
          reject(reason)
        },
      })
    })
  }

  async close() {
    this.#child.stdin.end()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 2_000)
    await this.#exited
    clearTimeout(timer)
  }

  kill() {
    this.#child.kill('SIGKILL')
  }

  /** @param {string} line */
  #read(line) {
    if (!line.startsWith('= ')) return this.#keep(line)
    this.#waiting.shift()?.resolve(JSON.parse(line.slice(2)))
  }

  /** @param {string} line */
  #keep(line) {
    this.#noise.push(line)
    if (this.#noise.length > 20) this.#noise.shift()
  }

  /** @param {string} why */
  #fail(why) {
    const said = this.#noise.length === 0 ? '' : `; it said:\n${this.#noise.join('\n')}`
    for (const { reject } of this.#waiting.splice(0)) reject(new Error(`${this.#label} ${why}${said}`))
  }
}
