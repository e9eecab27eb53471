import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hasTool } from './tools.ts'

/** One of two networks. */
export type Side = 'left' | 'right'

let made = 0

const live = new Set<Networks>()
process.on('exit', () => {
  for (const networks of live) networks.remove()
})

/**
 * Two networks of their own, apart from the machine's, with a cable between them that can be pulled. A program runs in one
 * of them with {@link Networks.inside}; the loopback interface there is its network's own.
 */
export class Networks implements Disposable {
  readonly #prefix: string
  readonly #subnet: string

  private constructor() {
    this.#prefix = `tsu${process.pid}-${++made}`
    // Nobody else is in there: it may be the same for all.
    this.#subnet = '10.83.0'
    live.add(this)
  }

  /** @param hosts addresses on each side */
  static open(hosts: number): Networks {
    const networks = new Networks()
    try {
      networks.#make(hosts)
    } catch (error) {
      networks.remove()
      throw error
    }
    return networks
  }

  /** The address of a host, counted from 0. */
  address(side: Side, host = 0): string {
    return `${this.#subnet}.${(side === 'left' ? 1 : 101) + host}`
  }

  /** What a command has to begin with to run there. */
  inside(side: Side): readonly string[] {
    return ['ip', 'netns', 'exec', this.#name(side)]
  }

  /** Nothing gets from one side to the other any more; nobody is told. */
  cut(): void {
    this.ip('left', 'link', 'set', 'cable', 'down')
  }

  heal(): void {
    this.ip('left', 'link', 'set', 'cable', 'up')
  }

  /** What a port answers is lost on its way, as by a firewall. */
  silence(side: Side, port: number): void {
    this.ip(side, 'rule', 'add', 'pref', '10', 'ipproto', 'tcp', 'sport', String(port), 'blackhole')
  }

  /** What programs there take for `/etc/resolv.conf`. Before they start. */
  resolvConf(side: Side, text: string): void {
    const directory = this.#etc(side)
    mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, 'resolv.conf'), text)
  }

  /** Runs `ip` on one side. */
  ip(side: Side, ...args: readonly string[]): void {
    run('-n', this.#name(side), ...args)
  }

  /** What still runs there keeps its network until it ends. */
  remove(): void {
    live.delete(this)
    for (const side of ['left', 'right'] as const) {
      try {
        run('netns', 'del', this.#name(side))
      } catch {
        // It was not made.
      }
      rmSync(this.#etc(side), { recursive: true, force: true })
    }
  }

  [Symbol.dispose](): void {
    this.remove()
  }

  #make(hosts: number): void {
    for (const side of ['left', 'right'] as const) run('netns', 'add', this.#name(side))
    const cable = ['type', 'veth', 'peer', 'name', 'cable', 'netns', this.#name('right')]
    run('link', 'add', 'cable', 'netns', this.#name('left'), ...cable)
    for (const side of ['left', 'right'] as const) {
      for (let i = 0; i < hosts; i++) this.ip(side, 'addr', 'add', `${this.address(side, i)}/24`, 'dev', 'cable')
      for (const device of ['lo', 'cable']) this.ip(side, 'link', 'set', device, 'up')
    }
    for (const side of ['left', 'right'] as const) this.#untilUp(side)
  }

  /** The kernel takes its time; until then programs do not see the addresses. */
  #untilUp(side: Side): void {
    const deadline = Date.now() + 20_000
    while (!run('-n', this.#name(side), '-o', 'link', 'show', 'cable').includes('state UP')) {
      if (Date.now() > deadline) throw new Error(`the cable of ${this.#name(side)} does not come up`)
    }
  }

  /** What `ip netns exec` puts in the place of files in `/etc`. Source: ip-netns(8). */
  #etc(side: Side): string {
    return join('/etc/netns', this.#name(side))
  }

  #name(side: Side): string {
    return `${this.#prefix}-${side}`
  }
}

/** What the machine lacks for {@link Networks}; it takes the superuser, and a kernel that lets it. */
export function missingForNetworks(): readonly string[] {
  if (!hasTool('ip')) return ['ip (iproute2)']
  try {
    Networks.open(1).remove()
    return []
  } catch {
    return ['the right to make network namespaces']
  }
}

function run(...args: readonly string[]): string {
  return execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' })
}
