import { expect, it } from 'vitest'
import type { LocalNode } from '../../src/node/local-node.ts'
import { RpcError } from '../../src/node/rpc/rpc-error.ts'
import { atom, Float, type Pid, type Term, tuple } from '../../src/term/index.ts'
import type { OtpNode } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { openProcess, Scene, sees } from '../support/scene.ts'

async function pair(scene: Scene): Promise<{ erl: OtpNode; node: LocalNode }> {
  const erl = await scene.erl()
  // Without the mesh, which asks nodes whom they know by the same means.
  const node = await scene.node({ mesh: false })
  await node.connect(erl.name)
  return { erl, node }
}

const failure = (call: Promise<unknown>): Promise<RpcError> =>
  call.then(
    (value) => Promise.reject(new Error(`it did not fail, it is ${String(value)}`)),
    (error: unknown) => error as RpcError,
  )

/** The processes that run a call of ours. */
const RUNNING = `[P || P <- processes(), {current_function, {timer, sleep, 1}} =:= process_info(P, current_function)]`

/** How a real node's own erpc fails with a call, as `{Class, Reason}`. */
const theirs = (erl: OtpNode, node: string, call: string) =>
  erl.eval(`try erpc:call('${node}', ${call}) catch Class:Reason -> {Class, Reason} end`)

describeOtp('node.rpc of a function of a BEAM node', (release) => {
  it('resolves to its result', async () => {
    await using scene = await Scene.open(release)
    const { erl, node } = await pair(scene)
    expect(await node.rpc(erl.name, 'lists', 'sum', [[1, 2, 3]])).toBe(6)
    expect(await node.rpc(erl.name, 'erlang', 'node')).toBe(atom(erl.name))
    const value = tuple(atom('ok'), 1.5, [{ a: 'b' }], new Map([['k', null]]), 2n ** 70n)
    expect(await node.rpc(erl.name, 'erlang', 'hd', [[value]])).toEqual(value)
    expect(await node.rpc(erl.name, 'erlang', 'float', [1])).toBe(1)
    expect(await node.rpc(erl.name, 'erlang', 'float', [1], { terms: { floats: 'exact' } })).toEqual(new Float(1))
    const big = new Uint8Array(300_000).fill(0xff)
    expect(await node.rpc(erl.name, 'erlang', 'byte_size', [big])).toBe(300_000)
    const copied = (await node.rpc(erl.name, 'binary', 'copy', [big])) as Uint8Array
    expect(Buffer.compare(copied, big)).toBe(0)
    const many = Array.from({ length: 200 }, (_, i) => node.rpc(erl.name, 'erlang', '+', [i, 1], { timeout: 20_000 }))
    expect(await Promise.all(many)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1))
    expect(node.counts.references).toBe(0)
  })

  it('rejects with what erpc itself raises', async () => {
    await using scene = await Scene.open(release)
    const { erl, node } = await pair(scene)
    const other = await scene.erl()
    for (const [module, fn, args, text, code] of [
      ['lists', 'nope', [1], 'lists, nope, [1]', 'ERR_RPC_UNDEF'],
      ['nope', 'f', [], 'nope, f, []', 'ERR_RPC_UNDEF'],
      ['erlang', 'apply', [atom('nope'), atom('f'), []], 'erlang, apply, [nope, f, []]', 'ERR_RPC_EXCEPTION'],
      ['erlang', 'div', [1, 0], `erlang, 'div', [1, 0]`, 'ERR_RPC_EXCEPTION'],
      ['erlang', 'error', [tuple(atom('my'), 'reason')], 'erlang, error, [{my, <<"reason">>}]', 'ERR_RPC_EXCEPTION'],
      ['erlang', 'exit', [atom('gone')], 'erlang, exit, [gone]', 'ERR_RPC_EXCEPTION'],
      ['erlang', 'throw', [atom('ball')], 'erlang, throw, [ball]', 'ERR_RPC_EXCEPTION'],
      ['lists', 'sum', [atom('none')], 'lists, sum, [none]', 'ERR_RPC_EXCEPTION'],
    ] as [string, string, Term[], string, string][]) {
      const error = await failure(node.rpc(erl.name, module, fn, args))
      expect(error).toBeInstanceOf(RpcError)
      expect(error).toMatchObject({ code, node: erl.name })
      const [kind, reason] = error.exception
      await erl.eval(`register(judge, self())`).catch(() => {})
      node.send({ name: 'judge', node: erl.name }, tuple(atom(kind), reason))
      const ours = await erl.eval('receive Ours -> Ours end')
      expect(ours).toBe(await theirs(other, erl.name, text))
    }
  })

  it('says whether a process there was ended, in time, or lost', async () => {
    await using scene = await Scene.open(release)
    const { erl, node } = await pair(scene)
    const forever: [string, string, Term[]] = ['timer', 'sleep', [atom('infinity')]]
    const patient = { timeout: Number.POSITIVE_INFINITY }
    const killed = failure(node.rpc(erl.name, ...forever, patient))
    await sees(erl, `length(${RUNNING})`, '1')
    await erl.eval(`[exit(P, kill) || P <- ${RUNNING}]`)
    expect(await killed).toMatchObject({ code: 'ERR_CALL_EXIT', class: 'exit', reason: atom('killed') })

    const late = await failure(node.rpc(erl.name, ...forever, { timeout: 200 }))
    expect(late).toMatchObject({ code: 'ERR_TIMEOUT', reason: atom('timeout') })
    // The process runs on, as with erpc, and nobody of ours watches it.
    await sees(erl, `[process_info(P, monitored_by) || P <- ${RUNNING}]`, '[{monitored_by,[]}]')
    expect(node.counts.references).toBe(0)
    await erl.eval(`[exit(P, kill) || P <- ${RUNNING}]`)

    const controller = new AbortController()
    const given = failure(node.rpc(erl.name, ...forever, { ...patient, signal: controller.signal }))
    await sees(erl, `[length(element(2, process_info(P, monitored_by))) || P <- ${RUNNING}]`, '[1]')
    controller.abort(new Error('never mind'))
    expect((await given).message).toBe('never mind')
    await sees(erl, `[process_info(P, monitored_by) || P <- ${RUNNING}]`, '[{monitored_by,[]}]')

    const lost = failure(node.rpc(erl.name, ...forever, patient))
    await sees(erl, `length([P || P <- ${RUNNING}, process_info(P, monitored_by) =/= {monitored_by, []}])`, '1')
    erl.kill()
    expect(await lost).toMatchObject({ code: 'ERR_NOCONNECTION', class: 'error' })
    expect(node.counts).toMatchObject({ references: 0, peers: 0 })
  })

  it('works to many nodes, without an answer, and as a spawn', async () => {
    await using scene = await Scene.open(release)
    const { erl, node } = await pair(scene)
    const results = await node.rpcMulticall([erl.name, erl.name], 'lists', 'max', [[1, 3, 2]])
    expect(results).toEqual([
      { status: 'fulfilled', value: 3 },
      { status: 'fulfilled', value: 3 },
    ])
    const inbox = await openProcess(node, { trapExit: true })
    expect(node.rpcCast(erl.name, 'erlang', 'send', [inbox.pid, atom('hello')])).toBe(true)
    expect(await inbox.receive()).toBe(atom('hello'))
    const pid: Pid = await node.spawnAt(erl.name, 'timer', 'sleep', [atom('infinity')])
    expect(pid.node).toBe(erl.name)
    inbox.link(pid)
    inbox.exit(pid, atom('done'))
    expect(await inbox.receive()).toEqual(tuple(atom('EXIT'), pid, atom('done')))
    const undef = await node.spawnAt(erl.name, 'nope', 'f')
    expect(undef.node).toBe(erl.name)
    expect(node.counts.references).toBe(0)
  })

  it('dials first where there is no link, and a proxy is typed calls', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    const node = await scene.node({ mesh: false })
    const lists = node.proxy<{ sum(list: number[]): number; reverse<T>(list: T[]): T[] }>(erl.name, 'lists')
    expect(await lists.sum([1, 2, 3])).toBe(6)
    expect(await lists.reverse([1, 2])).toEqual([2, 1])
  })
})

describeOtp(
  'a proxy of an Elixir module',
  (release) => {
    it('calls its functions', async () => {
      await using scene = await Scene.open(release)
      const elixir = await scene.elixir()
      const node = await scene.node()
      const text = node.proxy<{ upcase(text: string): string; split(text: string): string[] }>(
        elixir.name,
        'Elixir.String',
      )
      expect(await text.upcase('tsunagi')).toBe('TSUNAGI')
      expect(await text.split('a b')).toEqual(['a', 'b'])
      const enumerable = node.proxy<{ sum(list: number[]): number }>(elixir.name, 'Elixir.Enum')
      expect(await enumerable.sum([1, 2])).toBe(3)
      await expect(text.upcase(1 as unknown as string)).rejects.toMatchObject({
        code: 'ERR_RPC_EXCEPTION',
        class: 'error',
      })
    })
  },
  { elixir: true },
)
