// interconnect_nodes' README, translated: node a is Elixir's, b and c are ours, by turns.
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { GenServer } from '../../src/process/gen-server.ts'
import { atom, isTuple, type Term, tuple } from '../../src/term/index.ts'
import { Home, launch } from '../cli/support.ts'
import { Folder } from '../config/folder.ts'
import { describeOtp } from '../support/releases.ts'
import { nextEvent, Scene, sees, type TestNode } from '../support/scene.ts'

const pingPong = `
  defmodule PingPong do
    use GenServer
    def start_link(_), do: GenServer.start_link(__MODULE__, nil, name: __MODULE__)
    def init(state), do: {:ok, state}
    def handle_call(:ping, _from, state), do: {:reply, :pong, state}
  end
  {:ok, _} = Supervisor.start_link([PingPong], strategy: :one_for_one)
  :ok`

class PingPong extends GenServer {
  override handleCall(request: Term): Term {
    return request === atom('ping') ? atom('pong') : atom('unknown')
  }
}

/** The observer of the README: a GenServer that is told of nodes as by `:net_kernel.monitor_nodes(true)`. */
class ClusterObserver extends GenServer {
  readonly lines: string[]
  readonly #node: TestNode

  constructor(node: TestNode, lines: string[]) {
    super()
    this.#node = node
    this.lines = lines
  }

  override init(): void {
    const { pid } = this.self
    for (const event of ['nodeup', 'nodedown'] as const) {
      this.#node.on(event, (name: string) => void this.#node.send(pid, tuple(atom(event), atom(name))))
    }
  }

  override handleInfo(message: Term): void {
    if (!isTuple(message)) return
    const [event, node] = message as unknown as [{ name: string }, { name: string }]
    this.lines.push(event.name === 'nodeup' ? `--- Node up: ${node.name}` : `--- Node down: ${node.name}`)
  }

  override handleCall(): Term {
    return this.lines.length
  }
}

describeOtp(
  'interconnect_nodes',
  (release) => {
    it('nodes with the same cookie connect, one with another does not until it has it', async () => {
      await using scene = await Scene.open(release)
      const a = await scene.elixir({ cookie: 'secret_token' })
      const b = await scene.node({ cookie: 'secret_token', visible: true, mesh: false })
      const c = await scene.node({ cookie: 'another_secret', visible: true, mesh: false })
      expect([b.cookie, c.cookie]).toEqual(['secret_token', 'another_secret'])
      expect(await b.ping(c.name)).toBe('pang')
      expect(await b.ping(a.name)).toBe('pong')
      await sees(a, 'Node.list()', `[:"${b.name}"]`)

      await expect(c.connect(a.name)).rejects.toMatchObject({ code: 'ERR_CONNECT_COOKIE', node: a.name })
      await a.waitForOutput(/Connection attempt from node .* rejected\. Invalid challenge reply/)
      expect(c.nodes()).toEqual([])

      c.setCookie(c.name, 'secret_token')
      await c.connect(a.name)
      await sees(a, 'Node.list() |> Enum.sort()', `[${[b, c].map(({ name }) => `:"${name}"`).join(', ')}]`)
      expect(await c.ping(b.name)).toBe('pong')
    })

    it('a supervised GenServer is called from the other node, whichever has it', async () => {
      await using scene = await Scene.open(release)
      const a = await scene.elixir()
      await a.eval(pingPong)
      const b = await scene.node({ mesh: false })
      const there = { name: 'Elixir.PingPong', node: a.name }
      expect(await b.call(there, atom('ping'))).toBe(atom('pong'))

      await b.supervise({ children: [{ server: PingPong, name: 'Elixir.PingPong' }] })
      expect(await a.eval(`GenServer.call({PingPong, :"${b.name}"}, :ping)`)).toBe(':pong')
      expect(await a.eval(`:net_adm.ping(:"${b.name}")`)).toBe(':pong')
    })

    it('one sys.config has them connect without further interaction: iex --erl "-config", tsunagi start --config', async () => {
      await using scene = await Scene.open(release)
      const { root = '' } = release
      using folder = new Folder({}, root === '' ? tmpdir() : join(root, 'tmp'))
      using home = new Home()
      const [a, b] = [scene.name('a'), scene.name('b')]
      const kernel = `{sync_nodes_optional, ['${a}', '${b}']}, {sync_nodes_timeout, 50000}`
      const file = folder.write('sys.config', `[{kernel,\n  [${kernel}]}\n].\n`)
      // A release in another root directory sees it there.
      const booting = scene.elixir({ name: a, args: ['-config', file.slice(root.length)] })
      const args = ['start', '--config', file, '--name', b, '--cookie', 'secret']
      await using start = launch(home, args, { epmdPort: scene.epmdPort })
      const elixir = await booting
      await sees(elixir, 'Node.list()', `[:"${b}"]`)
      await start.waitForOutput(new RegExp(`^node +${b} \\(visible\\)$`))
      expect(await elixir.eval('Node.self()')).toBe(`:"${a}"`)
    })

    it('an observer says which nodes come and go', async () => {
      await using scene = await Scene.open(release)
      const b = await scene.node({ mesh: false })
      const lines: string[] = []
      const observer = await b.start(new ClusterObserver(b, lines), { name: 'Elixir.Cluster.Observer' })
      const a = await scene.elixir()
      await b.connect(a.name)
      const down = nextEvent(b, 'nodedown', a.name)
      a.kill()
      await down
      // Its mailbox is in order: who answers this has seen what came before.
      expect(await b.call(observer, atom('seen'))).toBe(2)
      expect(lines).toEqual([`--- Node up: ${a.name}`, `--- Node down: ${a.name}`])
    })
  },
  { elixir: true },
)
