import { crc32 } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { FRAGMENT_ABOVE } from '../../src/dist/fragments.ts'
import type { Process } from '../../src/process/process.ts'
import { atom, type Pid, tuple } from '../../src/term/index.ts'
import type { OtpNode } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { openProcess, Scene, type TestNode } from '../support/scene.ts'

const MiB = 1024 * 1024

function bytes(length: number, salt: number): Buffer {
  const buffer = Buffer.allocUnsafe(length)
  for (let i = 0; i < length; i++) buffer[i] = (i * 31 + salt) & 0xff
  return buffer
}

describeOtp('big messages', (release) => {
  let scene: Scene
  let erl: OtpNode
  let node: TestNode
  let self: Process

  beforeAll(async () => {
    scene = await Scene.open(release)
    erl = await scene.erl()
    node = await scene.node({ binaries: 'bytes' })
    await node.connect(erl.name)
    self = await openProcess(node, { name: 'inbox' })
    await erl.eval('register(echo, spawn(fun E() -> receive {P, M} -> P ! {erlang:crc32(M), M}, E() end end))')
  })

  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]()
  })

  async function echoes(sizes: readonly number[]): Promise<void> {
    const damaged: number[] = []
    for (const size of sizes) {
      const sent = bytes(size, size)
      self.send({ name: 'echo', node: erl.name }, tuple(self.pid, sent))
      const [sum, back] = (await self.receive()) as [number, Uint8Array]
      if (sum !== crc32(sent) || !sent.equals(back)) damaged.push(size)
    }
    expect(damaged).toEqual([])
  }

  it('of every size around the places where they are cut come back as they were', async () => {
    const edges = [0, 64 * 1024, FRAGMENT_ABOVE, 2 * 64 * 1024, MiB]
    // Envelope and header take less than 160 bytes.
    const sizes = edges
      .flatMap((edge) => [...new Array(40).keys()].map((i) => edge - 160 + 4 * i))
      .filter((n) => n >= 0)
    expect(sizes.length).toBeGreaterThan(150)
    await echoes([...sizes, ...edges.flatMap((edge) => [edge, edge + 1]), 64 * 1024 - 1, MiB - 1])
  })

  it('of 10 MiB come back as they were', async () => {
    await echoes([10 * MiB, 10 * MiB + 1])
  })

  it('let small ones of other processes overtake them on their way out', async () => {
    const other = await openProcess(node)
    await erl.eval(`
      catch unregister(collector),
      Main = self(),
      spawn(fun() ->
        register(collector, self()), Main ! registered,
        Main ! {order, [receive {big, B} -> {big, byte_size(B)}; {small, N} -> N end || _ <- lists:seq(1, 101)]}
      end),
      receive registered -> ok end`)
    self.send({ name: 'collector', node: erl.name }, tuple(atom('big'), bytes(10 * MiB, 1)))
    for (let n = 1; n <= 100; n++) other.send({ name: 'collector', node: erl.name }, tuple(atom('small'), n))
    const small = Array.from({ length: 100 }, (_, i) => i + 1)
    expect(await erl.eval('receive {order, Order} -> Order end')).toBe(`[${small.join()},{big,${10 * MiB}}]`)
  })

  it('let small ones of other processes through on their way in', async () => {
    // While one process is in the middle of its send another has us answer small messages, one at a time.
    const echo = await openProcess(node, { name: 'small' })
    const stop = new AbortController()
    const answering = (async () => {
      for (;;) echo.send((await echo.receive(undefined, { signal: stop.signal })) as Pid, atom('ok'))
    })().catch(() => {})
    const rounds = await erl.eval(`
      Main = self(),
      Big = binary:copy(<<7>>, ${64 * MiB}),
      Pinger = spawn(fun() ->
        (fun Loop(N) ->
          {small, '${node.name}'} ! self(),
          receive ok -> ok end,
          N =:= 0 andalso (Main ! warm),
          receive stop -> Main ! {rounds, N} after 0 -> Loop(N + 1) end
        end)(0)
      end),
      receive warm -> ok end,
      {inbox, '${node.name}'} ! Big,
      Pinger ! stop,
      receive {rounds, N} -> N end`)
    stop.abort()
    await answering
    expect(((await self.receive()) as Uint8Array).length).toBe(64 * MiB)
    expect(Number(rounds)).toBeGreaterThan(1)
  })
})

const SIZES = [10, 1000, 65_536, 66_000, 70_000, 200_000, 1_500_000]
const PER_PAIR = 30
/** Which message comes n-th between sender s and receiver r: the same on both sides. */
const sizeAt = (s: number, r: number, n: number): number =>
  SIZES[(7 * s + 3 * r + 5 * n + n * n) % SIZES.length] as number

describeOtp('the order of messages', (release) => {
  it('holds for every pair of processes while big ones are under way, both ways at once', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    const node = await scene.node({ binaries: 'bytes' })
    await node.connect(erl.name)
    const pids = await Promise.all([0, 1, 2].map((r) => openProcess(node, { name: `receiver${r}` })))
    // Theirs: three receivers that check, three senders that send the same sizes as ours do.
    const theirs = erl.eval(
      `Sizes = {${SIZES.join()}},
       Size = fun(S, R, N) -> element((7 * S + 3 * R + 5 * N + N * N) rem ${SIZES.length} + 1, Sizes) end,
       Main = self(),
       Receive = fun(R) ->
         register(list_to_atom("receiver" ++ integer_to_list(R)), self()),
         Main ! registered,
         Loop = fun
           L(_, 0) -> ok;
           L(Due, Left) ->
             receive {S, N, Bytes} ->
               N = maps:get(S, Due, 0),
               true = byte_size(Bytes) =:= Size(S, R, N),
               L(Due#{S => N + 1}, Left - 1)
             end
         end,
         Loop(#{}, ${3 * PER_PAIR}),
         Main ! {ordered, R}
       end,
       Receivers = [spawn_monitor(fun() -> Receive(R) end) || R <- [0, 1, 2]],
       [receive registered -> ok end || _ <- Receivers],
       {receiver0, '${node.name}'} ! ready,
       Send = fun(S) ->
         [{list_to_atom("receiver" ++ integer_to_list(R)), '${node.name}'} ! {S, N, binary:copy(<<N>>, Size(S, R, N))}
           || N <- lists:seq(0, ${PER_PAIR - 1}), R <- [0, 1, 2]]
       end,
       [spawn(fun() -> Send(S) end) || S <- [0, 1, 2]],
       [receive {'DOWN', _, process, _, Reason} -> Reason end || _ <- Receivers]`,
      { timeout: 25_000 },
    )
    const [first] = pids as [Process]
    expect(await first.receive()).toBe(atom('ready'))
    const sending = [0, 1, 2].map(async (s) => {
      const sender = await openProcess(node)
      for (let n = 0; n < PER_PAIR; n++) {
        for (let r = 0; r < 3; r++) {
          const message = tuple(s, n, bytes(sizeAt(s, r, n), n))
          if (!sender.send({ name: `receiver${r}`, node: erl.name }, message)) await node.drained(erl.name)
        }
      }
    })
    const receiving = pids.map(async (receiver, r) => {
      const due = [0, 0, 0]
      for (let i = 0; i < 3 * PER_PAIR; i++) {
        const [s, n, data] = (await receiver.receive(undefined, { timeout: 20_000 })) as [number, number, Uint8Array]
        expect([s, n]).toEqual([s, due[s]])
        due[s] = n + 1
        const whole = data.length === sizeAt(s, r, n) && data[0] === n && data.at(-1) === n
        if (!whole) expect.unreachable(`message ${n} from ${s} to ${r} is damaged`)
      }
      return due
    })
    await Promise.all(sending)
    expect(await Promise.all(receiving)).toEqual(new Array(3).fill(new Array(3).fill(PER_PAIR)))
    expect(await theirs).toBe('[normal,normal,normal]')
  })
})
