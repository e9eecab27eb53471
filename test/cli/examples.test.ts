import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startNodeProcess } from '../support/child.ts'
import { OsProcess } from '../support/os-process.ts'
import { freePort } from '../support/otp.ts'
import { missingForPostgres, PostgresServer } from '../support/postgres-server.ts'
import { bareEnvironment, commandOf, describeOtp } from '../support/releases.ts'
import { describeSkipped, hasTool } from '../support/tools.ts'
import { Home, runCommand } from './support.ts'

const example = (name: string) => new URL(`../../examples/${name}`, import.meta.url).pathname
const start = (name: string, args: readonly string[], epmdPort: number, env: Record<string, string> = {}) =>
  startNodeProcess([example(name), ...args], {
    env: { ERL_EPMD_PORT: String(epmdPort), TSUNAGI_COOKIE: 'hello', ...env },
  })

/** Phoenix.PubSub as the interop tests have it, so that no test fetches packages of Elixir. */
const phoenix = new URL('../interop/fixtures/pubsub/phoenix.ex', import.meta.url).pathname

/** The same compiled, where `ERL_LIBS` finds it. */
function compileStandIn(): Home {
  const home = new Home()
  const ebin = join(home.path, 'phoenix_pubsub', 'ebin')
  mkdirSync(ebin, { recursive: true })
  if (hasTool('elixirc')) execFileSync('elixirc', ['-o', ebin, phoenix], { stdio: 'ignore' })
  return home
}

describe('the examples', () => {
  it('two-nodes: finds, calls and loses its peer', async () => {
    await using run = start('two-nodes.mjs', [], await freePort())
    expect(await run.exited).toEqual({ code: 0, signal: null })
    // The warning on stderr comes whenever it comes.
    expect(run.output.filter((line) => !line.startsWith('tsunagi: '))).toEqual([
      'b@127.0.0.1 is connected to a@127.0.0.1',
      'you said hello',
      'a@127.0.0.1 is gone: connection_closed',
    ])
  })

  it('supervised-server: crashes, is restarted, and goes on with what it had saved', async () => {
    await using run = start('supervised-server.mjs', [], await freePort())
    expect(await run.exited).toEqual({ code: 0, signal: null })
    // The caller hears of the crash at any time during the restart.
    expect(run.output).toContain('ERR_CALL_EXIT')
    expect(run.output.filter((line) => line !== 'ERR_CALL_EXIT')).toEqual([
      'counter: starts at 0',
      'counted to 4',
      'counter: ends with 1 unsaved',
      'process PID (counter) ended by Error: what?',
      'supervisor shop: child counter (PID) ended: Error: what?; restarting it (1 of 3 restarts allowed in 5 s)',
      'counter: starts at 3',
      '2 children run',
      'counted to 4',
      'clock: closed',
      'counter: ends with 1 unsaved, in good order',
    ])
  })

  it('counter: counts for the command, while watch watches', async () => {
    const epmdPort = await freePort()
    await using counter = start('counter.mjs', [], epmdPort)
    await counter.waitForOutput(/counts/)
    await using watch = start('watch.mjs', ['counter@127.0.0.1'], epmdPort)
    await watch.waitForOutput(/^\+ counter@127\.0\.0\.1 \(hidden\)$/)
    const call = await runCommand(['call', 'counter@127.0.0.1', 'counter', '{add, 2}', '--cookie', 'hello'], {
      epmdPort,
    })
    expect(call.text).toBe('{ok,2}')
    counter.kill('SIGINT')
    expect((await counter.exited).code).toBe(0)
    await watch.waitForOutput(/^- counter@127\.0\.0\.1/)
    watch.kill('SIGTERM')
    expect((await watch.exited).code).toBe(0)
  })

  it('cluster-observer: says who joins and who leaves, whom it was not told of as well', async () => {
    const epmdPort = await freePort()
    await using observer = start('cluster-observer.mjs', ['ts@127.0.0.1'], epmdPort)
    await observer.waitForOutput(/observes/)
    await using pingPong = start('ping-pong.mjs', [], epmdPort)
    await observer.waitForOutput(/^--- Node up: ts@127\.0\.0\.1$/)
    await using second = startNodeProcess([example('cluster-observer.mjs'), 'ts@127.0.0.1'], {
      env: { ERL_EPMD_PORT: String(epmdPort), TSUNAGI_COOKIE: 'hello', OBSERVER: 'second@127.0.0.1' },
    })
    await observer.waitForOutput(/^--- Node up: second@127\.0\.0\.1$/)
    await second.waitForOutput(/^--- Node up: observer@127\.0\.0\.1$/)
    pingPong.kill('SIGTERM')
    expect((await pingPong.exited).code).toBe(0)
    await observer.waitForOutput(/^--- Node down: ts@127\.0\.0\.1$/)
    second.kill('SIGINT')
    expect((await second.exited).code).toBe(0)
    await observer.waitForOutput(/^--- Node down: second@127\.0\.0\.1$/)
  })

  it('work-queue: no job is left undone, though a worker is killed', async () => {
    await using run = start('work-queue/start.mjs', [], await freePort())
    await run.waitForOutput(/^queue: job \d+ is lost with two@127\.0\.0\.1 \(ERR_NOCONNECTION\)$/)
    await run.waitForOutput(/^queue: 100 jobs done, 1 of them given to somebody else after a loss$/)
    expect((await run.exited).code).toBe(0)
  })

  it('cached-api: three nodes ask once, and who comes later not at all', async () => {
    await using run = start('cached-api.mjs', [], await freePort())
    expect((await run.exited).code).toBe(0)
    expect(run.output.filter((line) => !line.startsWith('tsunagi: '))).toEqual([
      '300 answers on three nodes, the API was asked once',
      "from memory, without a wait: { path: '/rates', euro: 1.0842 }",
      "a node that came later: { path: '/rates', euro: 1.0842 }",
      'the API was asked once in all',
    ])
  })

  it('temperature-sensors: what two sensors measure is shown, with one command', { timeout: 120_000 }, async () => {
    using lib = compileStandIn()
    await using run = start('temperature-sensors/start.mjs', [], await freePort(), { ERL_LIBS: lib.path })
    for (const place of ['kitchen', 'garden']) {
      await run.waitForOutput(new RegExp(`^display: \\+ ${place}@127\\.0\\.0\\.1$`))
      await run.waitForOutput(new RegExp(`^display: ${place} \\d+\\.\\d °C$`))
      // It is compiled first.
      if (hasTool('elixir'))
        await run.waitForOutput(new RegExp(`^Elixir: ${place} \\d+\\.\\d °C$`), { timeout: 60_000 })
    }
    if (!hasTool('elixir')) await run.waitForOutput(/^\(without Elixir/)
    run.kill('SIGINT')
    expect((await run.exited).code).toBe(0)
  })
})

function overPostgres(): void {
  it('postgres-discovery: two nodes find each other in the database', async () => {
    await using database = await PostgresServer.start()
    const epmdPort = await freePort()
    await using one = start('postgres-discovery.mjs', [database.url, 'one'], epmdPort)
    await using two = start('postgres-discovery.mjs', [database.url, 'two'], epmdPort)
    await one.waitForOutput(/^\+ two@127\.0\.0\.1$/)
    await two.waitForOutput(/^\+ one@127\.0\.0\.1$/)
    two.kill('SIGTERM')
    expect((await two.exited).code).toBe(0)
    await one.waitForOutput(/^- two@127\.0\.0\.1/)
    one.kill('SIGINT')
    expect((await one.exited).code).toBe(0)
  })
}

if (missingForPostgres.length === 0) describe('the examples', overPostgres)
else describeSkipped('the examples', missingForPostgres, overPostgres)

describeOtp(
  'the examples',
  (release) => {
    /** Runs an Elixir script by its text: a release in a root directory of its own does not see the file. */
    function startElixir(texts: readonly string[], epmdPort: number, home: Home): OsProcess {
      const evaluated = texts.flatMap((text) => ['-e', text])
      const args = ['--erl', '-start_epmd false', '--name', 'ex@127.0.0.1', '--cookie', 'hello', ...evaluated]
      return new OsProcess(...commandOf(release, 'elixir', args), {
        env: {
          ...bareEnvironment(release),
          HOME: release.root === undefined ? home.path : '/tmp',
          ERL_EPMD_PORT: String(epmdPort),
        },
      })
    }

    async function runElixir(script: string, epmdPort: number): Promise<readonly string[]> {
      using home = new Home()
      await using elixir = startElixir([readFileSync(example(script), 'utf8')], epmdPort, home)
      expect((await elixir.exited).code, elixir.output.join('\n')).toBe(0)
      return elixir.output
    }

    it('counter: Elixir calls Node.js and is called by it', async () => {
      const epmdPort = await freePort()
      await using counter = start('counter.mjs', [], epmdPort)
      await counter.waitForOutput(/counts/)
      expect(await runElixir('counter.exs', epmdPort)).toEqual([
        'counter says: {:ok, 2}',
        'counter says: 2',
        'Node.js called Greeter',
      ])
      await counter.waitForOutput(/Elixir says hello, Node\.js/)
    })

    it('ping-pong: Elixir pings Node.js and is pinged by it', async () => {
      const epmdPort = await freePort()
      await using pingPong = start('ping-pong.mjs', [], epmdPort)
      await pingPong.waitForOutput(/plays/)
      expect(await runElixir('ping-pong.exs', epmdPort)).toEqual(['Node.js says: :pong', 'Node.js pinged back'])
      await pingPong.waitForOutput(/^ex@127\.0\.0\.1 says pong$/)
    })

    it('phoenix-channel-bridge: hears what a channel broadcasts, and answers its browsers', async () => {
      const epmdPort = await freePort()
      // The port mapper that Elixir needs.
      await using display = start('temperature-sensors/display.mjs', [], epmdPort)
      await display.waitForOutput(/waits/)
      using home = new Home()
      const application = `
        {:ok, _} = Supervisor.start_link([{Phoenix.PubSub, name: MyApp.PubSub}], strategy: :one_for_one)
        :ok = Browser.join(MyApp.PubSub, "room:lobby")
        say = fn -> Phoenix.Channel.Server.broadcast(MyApp.PubSub, "room:lobby", "new_msg", %{body: "what a day"}) end
        workers = fn -> :pg.get_members(Phoenix.PubSub, MyApp.PubSub.Adapter) end
        Stream.repeatedly(workers) |> Enum.find(&(length(&1) == 2))
        :ok = say.()
        IO.puts(Browser.text())
        IO.puts(Browser.text())
        System.halt(0)`
      const fixture = (name: string) => new URL(`../interop/fixtures/pubsub/${name}`, import.meta.url).pathname
      const texts = [readFileSync(phoenix, 'utf8'), readFileSync(fixture('channels.ex'), 'utf8'), application]
      await using elixir = startElixir(texts, epmdPort, home)
      await using bridge = start('phoenix-channel-bridge.mjs', ['ex@127.0.0.1'], epmdPort)
      await bridge.waitForOutput(/^bridge: new_msg \{"body":"what a day"\}$/, { timeout: 60_000 })
      expect((await elixir.exited).code, elixir.output.join('\n')).toBe(0)
      expect(elixir.output).toEqual([
        '[null,null,"room:lobby","new_msg",{"body":"what a day"}]',
        '[null,null,"room:lobby","counted",{"words":3}]',
      ])
      bridge.kill('SIGINT')
      expect((await bridge.exited).code).toBe(0)
    })

    it('temperature-sensors: Elixir shows what sensors of Node.js measure', async () => {
      const epmdPort = await freePort()
      await using display = start('temperature-sensors/display.mjs', [], epmdPort)
      await display.waitForOutput(/waits/)
      using home = new Home()
      const texts = [phoenix, example('temperature-sensors/display.exs')].map((file) => readFileSync(file, 'utf8'))
      await using elixir = startElixir(texts, epmdPort, home)
      await display.waitForOutput(/^display: \+ ex@127\.0\.0\.1$/)
      await using sensor = start('temperature-sensors/sensor.mjs', ['attic'], epmdPort)
      await elixir.waitForOutput(/^Elixir: attic \d+\.\d °C$/)
      await display.waitForOutput(/^display: attic \d+\.\d °C$/)
      sensor.kill('SIGINT')
      expect((await sensor.exited).code).toBe(0)
      await display.waitForOutput(/^display: - attic@127\.0\.0\.1$/)
      display.kill('SIGINT')
      expect((await display.exited).code).toBe(0)
    })
  },
  { elixir: true },
)
