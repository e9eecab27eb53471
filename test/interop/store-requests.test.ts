import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { MemoryCluster } from '../store/memory-engine.ts'
import { describeOtp } from '../support/releases.ts'
import { Scene } from '../support/scene.ts'

const snippet = readFileSync(new URL('../../examples/elixir/tsunagi_store.ex', import.meta.url), 'utf8')

/** A node with a store, and an Elixir node that has the snippet. */
async function open(scene: Scene, options: object = {}) {
  const elixir = await scene.elixir()
  await elixir.eval(snippet)
  const node = await scene.node()
  const store = node.store({ engine: new MemoryCluster().factory(), functions: { from: [] }, ...options })
  return { elixir, node, store, there: `:"${node.name}"` }
}

describeOtp(
  'a store',
  (release) => {
    it('is read and written from Elixir', async () => {
      await using scene = await Scene.open(release)
      const { elixir, store, there } = await open(scene)
      await store.put('hello', 'world')
      expect(await elixir.eval(`TsunagiStore.get(${there}, "hello")`)).toBe('{:ok, "world"}')
      expect(await elixir.eval(`TsunagiStore.get(${there}, :hello)`)).toBe('{:ok, "world"}')
      expect(await elixir.eval(`TsunagiStore.get(${there}, [:a, "b"])`)).toBe(':error')
      expect(await elixir.eval(`{:ok, v} = TsunagiStore.put(${there}, [:a, "b"], %{n: nil}); is_binary(v)`)).toBe(
        'true',
      )
      expect(store.peek('a.b')).toEqual({ n: null })
      expect(await elixir.eval(`TsunagiStore.get(${there}, "a.b")`)).toBe('{:ok, %{n: nil}}')
      expect(await elixir.eval(`TsunagiStore.keys(${there})`)).toBe('{:ok, ["hello", "a.b"]}')
      expect(await elixir.eval(`TsunagiStore.keys(${there}, "a.")`)).toBe('{:ok, ["a.b"]}')
      expect(await elixir.eval(`TsunagiStore.delete(${there}, "a.b")`)).toBe('{:ok, true}')
      expect(await elixir.eval(`TsunagiStore.delete(${there}, "a.b")`)).toBe('{:ok, false}')
      expect(await elixir.eval(`TsunagiStore.get_or_put(${there}, "n", fn -> 1 end)`)).toBe('{:ok, 1}')
      expect(await elixir.eval(`TsunagiStore.get_or_put(${there}, "n", fn -> 2 end)`)).toBe('{:ok, 1}')
    })

    it('says why it refuses', async () => {
      await using scene = await Scene.open(release)
      const { elixir, store, there } = await open(scene)
      const codeOf = (request: string) =>
        elixir.eval(
          `{:error, {code, text}} = GenServer.call({:tsunagi_store, ${there}}, ${request}); {code, is_binary(text)}`,
        )
      expect(await codeOf('{:put, "k", 1, expected: "1.1@x"}')).toBe('{:ERR_VERSION, true}')
      expect(await codeOf('{:put, "k", 1, expected: :latest}')).toBe('{:ERR_INVALID_OPTION, true}')
      expect(await codeOf('{:put, "k", 1, tll: 5}')).toBe('{:ERR_INVALID_OPTION, true}')
      expect(await codeOf('{:put, "k", 1, 7}')).toBe('{:ERR_INVALID_OPTION, true}')
      expect(await codeOf('{:get, 7}')).toBe('{:ERR_INVALID_OPTION, true}')
      expect(await codeOf('{:get, {"a"}}')).toBe('{:ERR_INVALID_OPTION, true}')
      expect(await codeOf('{:watch, ""}')).toBe('{:ERR_INVALID_OPTION, true}')
      expect(await codeOf(':nonsense')).toBe('{:ERR_INVALID_OPTION, true}')
      expect(await codeOf('"nonsense"')).toBe('{:ERR_INVALID_OPTION, true}')
      expect(await codeOf('{:call, "other", []}')).toBe('{:ERR_FUNCTION_MISSING, true}')
      expect(await codeOf('{:call, "other", :no_list}')).toBe('{:ERR_INVALID_OPTION, true}')
      await store.define('throws', () => {
        throw new RangeError('it broke')
      })
      expect(await elixir.eval(`TsunagiStore.call(${there}, :throws, [])`)).toBe(
        '{:error, {:ERR_RPC_EXCEPTION, "RangeError: it broke"}}',
      )
      await store.define('symbol', () => Symbol('no term'))
      expect(await codeOf('{:call, "symbol", []}')).toBe('{:ERR_ENCODE, true}')
      expect(await codeOf('{:keys, 7}')).toBe('{:ERR_INVALID_OPTION, true}')
      expect(await codeOf('{:unwatch, 7, 8}')).toBe('{:ERR_INVALID_OPTION, true}')
    })

    it('is asked by erpc, and runs its functions', async () => {
      await using scene = await Scene.open(release)
      const { elixir, store, there } = await open(scene)
      await store.define('sum', (a: number, b: number) => a + b)
      expect(await elixir.eval(`TsunagiStore.call(${there}, :sum, [1, 4])`)).toBe('{:ok, 5}')
      const erpc = (fn: string, args: string) => elixir.eval(`:erpc.call(${there}, :tsunagi_store, :${fn}, ${args})`)
      expect(await erpc('put', '["k", 1]')).toMatch(/^\{:ok, "\d/)
      expect(await erpc('put', '["k", 2, %{ttl: 60000}]')).toMatch(/^\{:ok, "\d/)
      expect(await erpc('get', '["k"]')).toBe('{:ok, 2}')
      expect(await erpc('has', '["k"]')).toBe('true')
      expect(await erpc('keys', '[]')).toBe('{:ok, ["k"]}')
      expect(await erpc('call', '["sum", [2, 3]]')).toBe('{:ok, 5}')
      expect(await erpc('delete', '["k"]')).toBe('{:ok, true}')
    })

    it('is watched, until who watches goes or the store is closed', async () => {
      await using scene = await Scene.open(release)
      const { elixir, node, store, there } = await open(scene)
      await store.put('w', 1)
      await elixir.eval(
        `{:ok, watch} = TsunagiStore.watch(${there}, "w"); Process.put(:watch, watch); Process.monitor(watch)`,
      )
      const next = `receive do
          {:tsunagi_store, _, :synced} -> :synced
          {:tsunagi_store, _, event} -> {elem(event, 0), elem(event, 1), tuple_size(event)}
          {:DOWN, _, :process, _, reason} -> {:down, reason}
        after 20_000 -> :nothing end`
      expect(await elixir.eval(next)).toBe('{:put, "w", 4}')
      expect(await elixir.eval(next)).toBe(':synced')
      await store.put('other', 1)
      await store.delete('w')
      expect(await elixir.eval(next)).toBe('{:delete, "w", 3}')
      const { processes } = node.counts
      const died = `{pid, ref} = spawn_monitor(fn -> {:ok, _} = TsunagiStore.watch(${there}, {:prefix, ""}) end)
        receive do {:DOWN, ^ref, :process, ^pid, reason} -> reason end`
      expect(await elixir.eval(died)).toBe(':normal')
      await expect.poll(() => node.counts.processes, { timeout: 20_000 }).toBe(processes)
      expect(await elixir.eval(`TsunagiStore.unwatch(${there}, Process.get(:watch))`)).toBe(':ok')
      expect(await elixir.eval(next)).toBe('{:down, :shutdown}')
      await elixir.eval(`{:ok, watch} = TsunagiStore.watch(${there}, "w"); Process.monitor(watch)`)
      expect(await elixir.eval(next)).toBe(':synced')
      await store.close()
      expect(await elixir.eval(next)).toBe('{:down, :normal}')
    })

    it('can only be read where it says so, or not at all', async () => {
      await using scene = await Scene.open(release)
      const { elixir, node, store, there } = await open(scene, { access: 'read' })
      await store.put('k', 1)
      expect(await elixir.eval(`TsunagiStore.get(${there}, "k")`)).toBe('{:ok, 1}')
      expect(await elixir.eval(`TsunagiStore.put(${there}, "k", 2) |> elem(1) |> elem(0)`)).toBe(':ERR_UNSUPPORTED')
      expect(await elixir.eval(`TsunagiStore.delete(${there}, "k") |> elem(1) |> elem(0)`)).toBe(':ERR_UNSUPPORTED')
      node.store({ name: 'private', access: 'none', engine: new MemoryCluster().factory() })
      const asked = `try do GenServer.call({:private, ${there}}, {:get, "k"}) catch :exit, {reason, _} -> reason end`
      expect(await elixir.eval(asked)).toBe(':noproc')
      expect(store.peek('k')).toBe(1)
    })
  },
  { elixir: true },
)
