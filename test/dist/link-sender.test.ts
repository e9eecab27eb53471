import { describe, expect, it } from 'vitest'
import { DFLAG, ourFlags } from '../../src/dist/flags.ts'
import { atom, Fun, Reference, type Term, tuple } from '../../src/term/index.ts'
import { A, B, framings, join, pid, settle } from './joined-links.ts'

const from = pid(A, 1)
const to = pid(B, 2)
const ref = new Reference(A, [1, 2, 3], 1)
const name = atom('somebody')
const bytes = (text: string) => new Uint8Array(Buffer.from(text))

/** Lets `a` send and gives what `b` heard. */
async function heard(
  flags: bigint,
  count: number,
  send: (sender: ReturnType<typeof join>['a']['link']['send']) => void,
) {
  const { a, b } = join({ flags })
  send(a.link.send)
  const noted = await b.heard.count(count)
  await settle(2)
  expect(noted).toHaveLength(count)
  return noted.map(([kind, ...args]) => [
    kind,
    ...args.map((arg) => (arg instanceof Object && 'key' in arg ? arg.key : arg)),
  ])
}

describe('a sender', () => {
  it.each(framings)('%s brings every signal over', async (_name, flags) => {
    const signals = await heard(flags, 15, (send) => {
      send.sendToName(from, name, 'by name')
      send.sendToPid(from, to, 'by pid')
      send.sendToAlias(from, new Reference(B, [9, 9, 9], 2), 'by alias')
      send.link(from, to)
      send.unlink(2n ** 64n - 1n, from, to)
      send.unlinkAck(5, from, to)
      send.exit(from, to, atom('why'))
      send.exit2(from, to, tuple(atom('shutdown'), 1))
      send.monitor(from, to, ref)
      send.monitor(from, name, ref)
      send.demonitor(from, name, ref)
      send.monitorExit(from, to, ref, atom('normal'))
      send.monitorExit(name, to, ref, atom('noproc'))
      send.spawnReply(new Reference(B, [4], 2), from, to, 2, atom('notsup'))
      send.spawnRequest(ref, from, [atom('m'), atom('f')], [1, 'two'], [])
    })
    expect(signals.slice(0, 3).map(([kind, target, message]) => [kind, target, message])).toEqual([
      ['name', 'somebody', bytes('by name')],
      ['pid', '2.0.2', bytes('by pid')],
      ['alias', '9.9.9.2@b@127.0.0.1', bytes('by alias')],
    ])
    expect(signals.slice(3, 14)).toEqual([
      ['link', from.key, to.key],
      ['unlink', 2n ** 64n - 1n, from.key, to.key],
      ['unlinkAck', 5, from.key, to.key],
      ['exit', from.key, to.key, atom('why')],
      ['exit2', from.key, to.key, tuple(atom('shutdown'), 1)],
      ['monitor', from.key, to.key, ref.key],
      ['monitor', from.key, name, ref.key],
      ['demonitor', from.key, name, ref.key],
      ['monitorExit', from.key, to.key, ref.key, atom('normal')],
      ['monitorExit', name, to.key, ref.key, atom('noproc')],
      ['spawnReply', '4.2@b@127.0.0.1', to.key, 2, atom('notsup')],
    ])
    expect(signals[14]?.[1]).toMatchObject({ module: atom('m'), function: atom('f'), arity: 2 })
  })

  it('says the same to peers that know less: older forms of the same signals', async () => {
    const without =
      DFLAG.SEND_SENDER | DFLAG.EXIT_PAYLOAD | DFLAG.UNLINK_ID | DFLAG.ALTACT_SIG | DFLAG.DIST_MONITOR_NAME
    const signals = await heard(ourFlags({ without }), 7, (send) => {
      send.sendToPid(from, to, atom('message'))
      send.sendToAlias(from, new Reference(B, [9], 2), atom('message'))
      send.unlink(7, from, to)
      send.exit(from, to, atom('why'))
      send.exit2(from, to, atom('why'))
      send.monitor(from, to, ref)
      // Nobody there would understand it.
      send.monitor(from, name, ref)
      send.monitorExit(from, to, ref, atom('why'))
    })
    expect(signals.map(([kind]) => kind)).toEqual(['pid', 'alias', 'unlink', 'exit', 'exit2', 'monitor', 'monitorExit'])
    expect(signals[2]).toEqual(['unlink', undefined, from.key, to.key])
  })

  it('sends nothing to aliases of a peer that has none', () => {
    const { a } = join({ flags: ourFlags({ without: DFLAG.ALIAS }) })
    expect(a.link.send.sendToAlias(from, ref, 1)).toBe(true)
    expect(a.link.send.bytes).toBe(0)
  })

  it('answers false over the high-water mark, says once when half of it is left, and then answers true', async () => {
    const { a, b, cable } = join({ limits: { linkHighWater: 10_000 }, highWater: 100 })
    cable.freeze()
    const { send } = a.link
    const answers = Array.from({ length: 12 }, () => send.sendToPid(from, to, 'x'.repeat(1000)))
    expect(answers.slice(0, 9)).toEqual(new Array(9).fill(true))
    expect(answers.slice(-2)).toEqual([false, false])
    expect(send.full).toBe(true)
    await settle(2)
    expect(a.drained.times).toBe(0)
    cable.thaw()
    await b.heard.count(12)
    await settle(2)
    expect(a.drained.times).toBe(1)
    expect(send.full).toBe(false)
    expect(send.queuedBytes).toBe(0)
    expect(send.sendToPid(from, to, 1)).toBe(true)
  })

  it('says that there is room also after a big message that went out in fragments', async () => {
    const { a, b } = join({ limits: { linkHighWater: 10_000 }, highWater: 100 })
    expect(a.link.send.sendToPid(from, to, new Uint8Array(500_000))).toBe(false)
    expect(a.link.send.sendToPid(from, to, 'behind it')).toBe(false)
    await b.heard.count(2)
    await settle(2)
    expect(a.drained.times).toBe(1)
    expect(a.link.send.queuedBytes).toBe(0)
  })

  it('does not say so any more when the link is down', async () => {
    const { a, b, cable } = join({ limits: { linkHighWater: 1000 }, highWater: 100 })
    cable.freeze()
    expect(a.link.send.sendToPid(from, to, new Uint8Array(5000))).toBe(false)
    a.link.close('net_tick_timeout')
    cable.thaw()
    await b.down
    await settle(2)
    expect(a.drained.times).toBe(0)
  })

  it('refuses messages over the hard limit and queues nothing, but never a signal that has to fire', async () => {
    const { a, b, cable } = join({ limits: { linkMax: 10_000 } })
    cable.freeze()
    const { send } = a.link
    send.sendToPid(from, to, new Uint8Array(20_000))
    const queued = send.queuedBytes
    const refused = expect.objectContaining({ code: 'ERR_LINK_FULL' })
    expect(() => send.sendToPid(from, to, 1)).toThrow(refused)
    expect(() => send.sendToName(from, name, 1)).toThrow(refused)
    expect(() => send.sendToAlias(from, ref, 1)).toThrow(refused)
    expect(send.queuedBytes).toBe(queued)
    send.link(from, to)
    send.monitor(from, to, ref)
    send.monitorExit(from, to, ref, atom('normal'))
    send.exit(from, to, atom('normal'))
    cable.thaw()
    await b.heard.count(5)
    expect(send.sendToPid(from, to, 1)).toBe(true)
    expect((await b.heard.count(6)).map(([kind]) => kind)).toEqual([
      'pid',
      'link',
      'monitor',
      'monitorExit',
      'exit',
      'pid',
    ])
  })

  it('refuses what is no term with the path to it, whatever the signal, and goes on', async () => {
    const { a, b } = join()
    const { send } = a.link
    const bad = { list: [1, () => {}] } as unknown as Term
    const refused = expect.objectContaining({ code: 'ERR_ENCODE', path: '.list[1]' })
    expect(() => send.sendToName(from, name, bad)).toThrow(refused)
    expect(() => send.sendToPid(from, to, bad)).toThrow(refused)
    expect(() => send.sendToAlias(from, ref, bad)).toThrow(refused)
    expect(() => send.exit(from, to, bad)).toThrow(refused)
    expect(() => send.exit2(from, to, bad)).toThrow(refused)
    expect(() => send.monitorExit(from, to, ref, bad)).toThrow(refused)
    expect(send.queuedBytes).toBe(0)
    send.sendToName(from, name, atom('sound'))
    expect((await b.heard.count(1))[0]?.slice(0, 3)).toEqual(['name', 'somebody', atom('sound')])
  })

  it('bounds the atoms a BEAM peer learns, until it turns out to be none', async () => {
    const { a, b } = join({ limits: { keyAtoms: 3 }, more: { ours: false } })
    const { send } = a.link
    send.sendToPid(from, to, { k1: 1, k2: 2, k3: 3 })
    send.sendToPid(from, to, { k1: 1, k2: 2, k3: 3 })
    const refused = expect.objectContaining({ code: 'ERR_ATOM_LIMIT' })
    expect(() => send.sendToPid(from, to, { k4: 4 })).toThrow(refused)
    expect(() => send.sendToPid(from, to, [{ k1: 1 }, { k5: 5 }])).toThrow(refused)
    expect(send.sendToPid(from, to, new Map([['k4', 4]]))).toBe(true)
    send.peerIsOurs()
    expect(send.sendToPid(from, to, { k4: 4, k5: 5 })).toBe(true)
    await b.heard.count(4)
  })

  it('fires links and monitors of a BEAM peer that may learn no more atoms', async () => {
    const { a, b } = join({ limits: { peerAtoms: 0 }, more: { ours: false } })
    const { send } = a.link
    const refused = expect.objectContaining({ code: 'ERR_ATOM_LIMIT' })
    const why = atom('new')
    for (const impossible of [
      () => send.sendToName(from, name, 1),
      () => send.monitor(from, name, ref),
      () => send.spawnRequest(ref, from, [name, name], [], []),
      () => send.exit(from, to, why),
      () => send.exit2(from, to, why),
      () => send.monitorExit(name, to, ref, why),
    ]) {
      expect(impossible).toThrow(refused)
    }
    const unencodable = tuple(atom('unencodable_reason'), 'more than 0 different atoms')
    send.link(from, to)
    send.unlink(1, from, to)
    send.unlinkAck(1, from, to)
    send.exit(from, to, unencodable)
    send.exit2(from, to, unencodable)
    send.monitor(from, to, ref)
    send.demonitor(from, name, ref)
    send.monitorExit(name, to, ref, unencodable)
    send.spawnReply(ref, from, to, 0, atom('notsup'))
    const noted = await b.heard.count(9)
    expect(noted.map(([kind]) => kind)).toEqual([
      'link',
      'unlink',
      'unlinkAck',
      'exit',
      'exit2',
      'monitor',
      'demonitor',
      'monitorExit',
      'spawnReply',
    ])
  })

  it('marks bytes as bytes again after a function with a bad value in it could not be sent', async () => {
    const { a, b } = join({ more: { terms: {} } })
    const free = [Symbol('none') as unknown as Term]
    const fields = { arity: 0, uniq: Buffer.alloc(16), index: 0, module: atom('m'), oldIndex: 0, oldUniq: 0, pid: from }
    expect(() => a.link.send.sendToPid(from, to, new Fun({ ...fields, free }))).toThrow('symbol')
    a.link.send.sendToPid(from, to, Buffer.from('text'))
    expect((await b.heard.count(1))[0]?.[2]).toEqual(new Uint8Array(Buffer.from('text')))
  })
})
