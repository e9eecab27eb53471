import { expect, it, vi } from 'vitest'
import { type GossipOptions, gossip } from '../../src/cluster/index.ts'
import { freePort, type OtpNode } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { nextEvent, Scene, sees } from '../support/scene.ts'

/**
 * What libcluster's `Gossip` does, in Erlang: with its socket options, its packet by `term_to_binary`, its encryption by
 * `crypto`. It connects whom it hears only when told to.
 */
const LIBCLUSTER = `
Broadcast = is_tuple(BroadcastAddress),
Target = case Broadcast of true -> BroadcastAddress; false -> Group end,
Multicast = case Broadcast of
  true -> [];
  false -> [{multicast_if, {127,0,0,1}}, {multicast_ttl, 1}, {multicast_loop, true},
            {add_membership, {Group, {127,0,0,1}}}]
end,
Options = [binary, {active, true}, {ip, {0,0,0,0}}, {reuseaddr, true}, {broadcast, true}] ++ Multicast ++
  [{raw, 16#FFFF, 16#0200, <<1:32/native>>}],
Encrypt = fun
  (Plain) when Secret =:= none -> Plain;
  (Plain) ->
    Iv = crypto:strong_rand_bytes(16),
    Pad = 16 - byte_size(Plain) rem 16,
    Padded = <<Plain/binary, (binary:copy(<<Pad>>, Pad))/binary>>,
    <<Iv/binary, (crypto:crypto_one_time(aes_256_cbc, crypto:hash(sha256, Secret), Iv, Padded, true))/binary>>
end,
Decrypt = fun
  (Packet) when Secret =:= none -> Packet;
  (<<Iv:16/binary, Cipher/binary>>) ->
    try crypto:crypto_one_time(aes_256_cbc, crypto:hash(sha256, Secret), Iv, Cipher, false) of
      Padded -> binary:part(Padded, 0, byte_size(Padded) - binary:last(Padded))
    catch _:_ -> <<>>
    end
end,
Test = self(),
spawn(fun() ->
  {ok, Socket} = gen_udp:open(Port, Options),
  Test ! opened,
  self() ! heartbeat,
  Loop = fun Loop() ->
    receive
      heartbeat ->
        Plain = <<"heartbeat::", (term_to_binary(#{node => node()}))/binary>>,
        Sends andalso gen_udp:send(Socket, Target, Port, Encrypt(Plain)),
        erlang:send_after(rand:uniform(200), self(), heartbeat);
      {udp, _, _, _, Packet} ->
        case Decrypt(Packet) of
          <<"heartbeat::", Rest/binary>> ->
            #{node := Node} = binary_to_term(Rest),
            Node =/= node() andalso Connects andalso net_kernel:connect_node(Node);
          _ -> ignored
        end
    end,
    Loop()
  end,
  Loop()
end),
receive opened -> ok after 10000 -> error(not_opened) end`

interface Part {
  readonly sends: boolean
  readonly connects: boolean
}

async function runLibcluster(erl: OtpNode, options: GossipOptions, { sends, connects }: Part): Promise<void> {
  const tuple = (address: string): string => `{${address.split('.').join(',')}}`
  const { port, address = '', secret, broadcastOnly } = options
  const given = [
    `Port = ${port}`,
    `Group = ${tuple(address)}`,
    `BroadcastAddress = ${broadcastOnly === true ? tuple(address) : 'none'}`,
    `Secret = ${secret === undefined ? 'none' : `<<"${secret}">>`}`,
    `Sends = ${sends}`,
    `Connects = ${connects}`,
  ]
  expect(await erl.eval(`${given.join(', ')}, ${LIBCLUSTER}`)).toBe('ok')
}

async function place(options: GossipOptions): Promise<GossipOptions> {
  const part = (): number => Math.floor(Math.random() * 254) + 1
  const address = `239.${part()}.${part()}.${part()}`
  const where = options.broadcastOnly === true ? { address: '127.255.255.255' } : { address, interface: '127.0.0.1' }
  return { port: await freePort(), interval: 200, ...where, ...options }
}

const WAYS: [string, GossipOptions][] = [
  ['plain, by multicast', {}],
  ['plain, by broadcast', { broadcastOnly: true }],
  ['encrypted', { secret: 'some password' }],
]

describeOtp('gossip with a node that does as libcluster', (release) => {
  it.each(WAYS)('%s: it is found and connected', async (_, way) => {
    await using scene = await Scene.open(release)
    const options = await place(way)
    const [erl, ts] = await Promise.all([scene.erl(), scene.node()])
    const up = nextEvent(ts, 'nodeup', erl.name)
    const topology = ts.topology('gossip', { strategy: gossip(options) })
    await runLibcluster(erl, options, { sends: true, connects: false })
    await up
    expect(topology.nodes()).toEqual([erl.name])
    await sees(erl, 'nodes(hidden)', `['${ts.name}']`)
  })

  it.each(WAYS)('%s: it hears us, and connects', async (_, way) => {
    await using scene = await Scene.open(release)
    const options = await place(way)
    const [erl, ts] = await Promise.all([scene.erl(), scene.node()])
    const up = nextEvent(ts, 'nodeup', erl.name)
    await runLibcluster(erl, options, { sends: false, connects: true })
    const topology = ts.topology('gossip', { strategy: gossip(options) })
    await up
    expect(topology.nodes()).toEqual([])
  })

  it('loses one that was killed, and finds it again', async () => {
    await using scene = await Scene.open(release)
    const options = await place({ interval: 300 })
    const name = scene.name('erl')
    const ts = await scene.node()
    const topology = ts.topology('gossip', { strategy: gossip(options) })
    const first = await scene.erl({ name })
    const up = nextEvent(ts, 'nodeup', name)
    await runLibcluster(first, options, { sends: true, connects: false })
    await up
    const down = nextEvent(ts, 'nodedown', name)
    first.kill()
    await down
    await vi.waitFor(() => expect(topology.nodes()).toEqual([]), { timeout: 25_000 })
    const again = nextEvent(ts, 'nodeup', name)
    const second = await scene.erl({ name })
    await runLibcluster(second, options, { sends: true, connects: false })
    await again
    await sees(second, 'nodes(hidden)', `['${ts.name}']`)
  })

  it('hears nothing of one with another secret', async () => {
    await using scene = await Scene.open(release)
    const options = await place({ secret: 'ours' })
    const [stranger, friend, ts] = await Promise.all([scene.erl(), scene.erl(), scene.node()])
    await runLibcluster(stranger, { ...options, secret: 'theirs' }, { sends: true, connects: true })
    const topology = ts.topology('gossip', { strategy: gossip(options) })
    const up = nextEvent(ts, 'nodeup', friend.name)
    await runLibcluster(friend, options, { sends: true, connects: false })
    await up
    expect(topology.nodes()).toEqual([friend.name])
    await sees(friend, 'nodes(hidden)', `['${ts.name}']`)
    expect(await stranger.eval('nodes(connected)')).toBe('[]')
  })
})
