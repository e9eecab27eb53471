import { expect, it } from 'vitest'
import { GenServer, noReply } from '../../src/process/gen-server.ts'
import { atom, type Term, tuple } from '../../src/term/index.ts'
import { describeOtp } from '../support/releases.ts'
import { openProcess, Scene } from '../support/scene.ts'

const pingPong = `
  defmodule PingPong do
    use GenServer
    def init(state), do: {:ok, state}
    def handle_call(:ping, _from, state), do: {:reply, :pong, state}
    def handle_call({:put, key, value}, _from, state), do: {:reply, :ok, Map.put(state, key, value)}
    def handle_call(:get, _from, state), do: {:reply, state, state}
    def handle_call(:later, from, _state), do: {:noreply, from}
    def handle_call(:now, _from, late), do: (GenServer.reply(late, :too_late); {:reply, :done, %{}})
    def handle_call(:stop, _from, state), do: {:stop, :stopping, state}
    def handle_cast({:notify, pid}, state), do: (send(pid, :notified); {:noreply, state})
  end
  {:ok, _} = GenServer.start(PingPong, %{}, name: PingPong)
  :ok`

class Counter extends GenServer {
  #count = 0

  override async handleCall(request: Term): Promise<Term> {
    if (request === atom('next')) return ++this.#count
    if (request === atom('crash')) throw new Error('on purpose')
    if (request === atom('stop')) {
      this.stop()
      return atom('ok')
    }
    return tuple(atom('error'), request)
  }

  override handleCast(message: Term): void {
    this.#count = message as number
  }
}

describeOtp(
  'GenServer',
  (release) => {
    it('of Elixir is called', async () => {
      await using scene = await Scene.open(release)
      const elixir = await scene.elixir()
      await elixir.eval(pingPong)
      const node = await scene.node()
      const self = await openProcess(node)
      const there = { name: 'Elixir.PingPong', node: elixir.name }
      expect(await self.call(there, atom('ping'))).toBe(atom('pong'))
      expect(await self.call(there, tuple(atom('put'), 'grüße', [1, 2.5]))).toBe(atom('ok'))
      expect(await self.call(there, atom('get'))).toEqual(new Map([['grüße', [1, 2.5]]]))
      self.cast(there, tuple(atom('notify'), self.pid))
      expect(await self.receive()).toBe(atom('notified'))
      await expect(self.call(there, atom('later'), { timeout: 50 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
      expect(await self.call(there, atom('now'))).toBe(atom('done'))
      expect(self.mailboxLength).toBe(0)
      const stopped = { code: 'ERR_CALL_EXIT', reason: atom('stopping') }
      await expect(self.call(there, atom('stop'))).rejects.toMatchObject(stopped)
      await expect(self.call(there, atom('ping'))).rejects.toMatchObject({ code: 'ERR_NOPROC' })
    })

    it('of ours is called', async () => {
      await using scene = await Scene.open(release)
      const elixir = await scene.elixir()
      const node = await scene.node()
      await node.start(Counter, { name: 'Elixir.Counter' })
      const here = `{Counter, :"${node.name}"}`
      expect(await elixir.eval(`for _ <- 1..3, do: GenServer.call(${here}, :next)`)).toBe('[1, 2, 3]')
      expect(await elixir.eval(`GenServer.cast(${here}, 41); GenServer.call(${here}, :next)`)).toBe('42')
      expect(await elixir.eval(`GenServer.call(${here}, %{"a" => nil})`)).toBe('{:error, %{"a" => nil}}')
      const many = `Enum.map(1..100, fn _ -> Task.async(fn -> GenServer.call(${here}, :next) end) end)`
      expect(await elixir.eval(`${many} |> Task.await_many() |> Enum.sort() == Enum.to_list(43..142)`)).toBe('true')
      expect(await elixir.eval(`GenServer.call(${here}, :stop)`)).toBe(':ok')
      const noproc = `try do GenServer.call(${here}, :next) catch :exit, {reason, _} -> reason end`
      expect(await elixir.eval(noproc)).toBe(':noproc')
    })

    it('of ours crashes and is never heard of again late', async () => {
      await using scene = await Scene.open(release)
      const elixir = await scene.elixir()
      const node = await scene.node()
      await node.start(Counter, { name: 'Elixir.Counter' })
      const call = (server: string, request: string, timeout = 5000) =>
        `try do GenServer.call({${server}, :"${node.name}"}, ${request}, ${timeout}) catch :exit, {reason, _} -> reason end`
      expect(await elixir.eval(call('Counter', ':crash'))).toMatch(/on purpose/)
      let answer: (() => void) | undefined
      const handleCall = (request: Term, from: { reply(value: Term): boolean }) => {
        if (request === atom('now')) answer?.()
        else answer = () => from.reply(atom('too_late'))
        return request === atom('now') ? atom('done') : noReply
      }
      await node.start({ handleCall }, { name: 'Elixir.Slow' })
      expect(await elixir.eval(call('Slow', ':later', 50))).toBe(':timeout')
      expect(await elixir.eval(call('Slow', ':now'))).toBe(':done')
      expect(await elixir.eval('Process.info(self(), :messages)')).toBe('{:messages, []}')
    })
  },
  { elixir: true },
)
