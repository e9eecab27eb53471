import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeCertificates } from './certificates.mjs'
import { Endpoint } from './endpoint.mjs'
import { Networks } from './networks.mjs'

const endpoints = fileURLToPath(new URL('../endpoints/', import.meta.url))

/**
 * Where one run takes place: a temporary directory, the servers all participants share (an EPMD on a port of its own, a
 * nats-server), and every process it started, so that nothing is left behind however the run ends.
 */
export class Stage {
  #timeout
  #directory = mkdtempSync(join(tmpdir(), 'tsunagi-bench-'))
  /** @type {Set<Endpoint>} */
  #endpoints = new Set()
  /** @type {import('node:child_process').ChildProcess[]} */
  #servers = []
  /** @type {Set<Networks>} */
  #networks = new Set()
  /** @type {Map<string, Promise<number>>} */
  #ports = new Map()
  #compiled = false
  /** @type {string | undefined} */
  #certificates
  #names = 0

  /** @param {number} timeout of one command to an endpoint, in ms */
  constructor(timeout) {
    this.#timeout = timeout
    process.once('exit', () => this.#clear())
  }

  /** A node name used once in this run. @param {string} prefix */
  nodeName(prefix) {
    return `${prefix}${++this.#names}@127.0.0.1`
  }

  /** A folder that is gone after the run. @param {string} name */
  folder(name) {
    return join(this.#directory, name)
  }

  get cookie() {
    return 'bench'
  }

  /**
   * A program of `endpoints/` in a process of its own.
   *
   * @param {string} program
   * @param {...string} flags of Node.js
   */
  node(program, ...flags) {
    return this.#endpoint(process.execPath, [...flags, join(endpoints, `${program}.mjs`)], { label: program })
  }

  /**
   * A program of `endpoints/` that another command runs, such as `ip netns exec`.
   *
   * @param {readonly string[]} within that command with its arguments
   * @param {string} program
   */
  nodeWithin(within, program) {
    const [command, ...args] = [...within, process.execPath, join(endpoints, `${program}.mjs`)]
    return this.#endpoint(/** @type {string} */ (command), args, { label: program })
  }

  /** Two networks that can be parted; gone with the stage. @param {number} hosts on each side */
  networks(hosts) {
    const networks = new Networks(hosts)
    this.#networks.add(networks)
    return networks
  }

  /**
   * An Erlang node as `erl` starts it, with nothing tuned.
   *
   * @param {string} name
   * @param {'bench_node' | 'bench_pubsub'} commands the module that has them
   * @param {readonly string[]} [flags] of `erl`
   */
  async erlang(name, commands = 'bench_node', flags = []) {
    const port = await this.epmd()
    if (!this.#compiled) {
      const modules = ['bench_node.erl', 'bench_pubsub.erl'].map((file) => join(endpoints, file))
      execFileSync('erlc', ['-o', this.#directory, ...modules])
      this.#compiled = true
    }
    const args = [
      ...flags,
      '-noshell',
      '-name',
      name,
      '-setcookie',
      this.cookie,
      '-start_epmd',
      'false',
      '-s',
      'bench_node',
      'main',
      commands,
    ]
    return this.#endpoint('erl', args, {
      label: name,
      cwd: this.#directory,
      env: { ERL_EPMD_PORT: String(port), HOME: this.#directory },
    })
  }

  /** A folder with `node.crt`, `node.key`, `ca.crt` and the `dist.conf` of an Erlang node, made when first asked for. */
  certificates() {
    this.#certificates ??= makeCertificates(join(this.#directory, 'certificates'))
    return this.#certificates
  }

  /** The port of Erlang's own `epmd` where there is one, else of whichever Tsunagi node serves it. */
  epmd() {
    return this.#server('epmd', (port) => (onPath('epmd') ? ['epmd', '-port', `${port}`] : undefined))
  }

  /** The port of a nats-server that waits for slow readers instead of cutting them off. */
  natsServer() {
    return this.#server('nats-server', (port) => {
      const file = join(this.#directory, 'nats.conf')
      writeFileSync(
        file,
        `host: 127.0.0.1\nport: ${port}\nmax_payload: 8MB\nmax_pending: 1GB\nwrite_deadline: "60s"\njetstream: { store_dir: "${join(this.#directory, 'js')}" }\n`,
      )
      return ['nats-server', '-c', file]
    })
  }

  /** The port of a redis-server that keeps nothing and waits for slow readers instead of cutting them off. */
  redisServer() {
    const patient = ['--client-output-buffer-limit', 'pubsub 0 0 0', '--save', '']
    return this.#server('redis-server', (port) => [
      'redis-server',
      '--port',
      `${port}`,
      '--bind',
      '127.0.0.1',
      ...patient,
    ])
  }

  async close() {
    await Promise.all([...this.#endpoints].map((endpoint) => endpoint.close()))
    this.#clear()
  }

  /**
   * @param {string} command
   * @param {string[]} args
   * @param {{ label: string, cwd?: string, env?: NodeJS.ProcessEnv }} options
   */
  #endpoint(command, args, options) {
    const endpoint = new Endpoint(command, args, { ...options, timeout: this.#timeout })
    this.#endpoints.add(endpoint)
    return endpoint
  }

  /**
   * @param {string} name
   * @param {(port: number) => string[] | undefined} command
   */
  #server(name, command) {
    const known = this.#ports.get(name)
    if (known !== undefined) return known
    const port = this.#startServer(command)
    this.#ports.set(name, port)
    return port
  }

  /** @param {(port: number) => string[] | undefined} command */
  async #startServer(command) {
    const port = await freePort()
    const [program, ...args] = command(port) ?? []
    if (program === undefined) return port
    this.#servers.push(spawn(program, args, { stdio: 'ignore' }))
    await accepting(port)
    return port
  }

  #clear() {
    for (const endpoint of this.#endpoints) endpoint.kill()
    for (const server of this.#servers.splice(0)) server.kill('SIGKILL')
    for (const networks of this.#networks) networks.close()
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

/** @param {string} program */
export function onPath(program) {
  try {
    execFileSync('/bin/sh', ['-c', `command -v ${program}`], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

export async function freePort() {
  const server = createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('has no port')
  return address.port
}

/** @param {number} port */
async function accepting(port) {
  for (let left = 100; left > 0; left--) {
    const answered = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
      socket.once('connect', () => socket.end())
    })
    if (answered) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`nothing listens on port ${port}`)
}
