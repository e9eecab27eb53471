import { expect, it } from 'vitest'
import { encodeValue } from '../../src/store/encode-value.ts'
import { packMessage, unpackMessage } from '../../src/store/engines/mesh/pack-message.ts'
import { FrozenValues } from '../../src/store/frozen-values.ts'
import { definitionTerm, hashOf } from '../../src/store/functions/definition.ts'
import { FUNCTION_PREFIX } from '../../src/store/functions/store-functions.ts'
import type { Hello, Message, Refused } from '../../src/store/replication/messages.ts'
import type { OtpNode } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { Scene } from '../support/scene.ts'

const reader = new FrozenValues({})

/** An Erlang node that speaks the protocol of stores, as far as it takes to submit something. */
class Speaker {
  readonly #erl: OtpNode
  #request = 0

  constructor(erl: OtpNode) {
    this.#erl = erl
  }

  static async on(erl: OtpNode): Promise<Speaker> {
    await erl.eval("register('tsunagi_store.mesh', self())")
    return new Speaker(erl)
  }

  /** The next message of a kind. */
  async next<M extends Message>(kind: M['kind']): Promise<M> {
    for (;;) {
      const bytes = await this.#erl.evalBytes('receive {tsunagi_store, 1, Bytes} -> Bytes end')
      const message = unpackMessage(bytes, reader)
      if (message.kind === kind) return message as M
    }
  }

  async send(to: string, bytes: Uint8Array): Promise<void> {
    await this.#erl.eval(`{'tsunagi_store.mesh', '${to}'} ! {tsunagi_store, 1, Bytes}, ok`, { bind: { Bytes: bytes } })
  }

  /** Takes part in the store as a node that has just been started. */
  async greet(to: string): Promise<void> {
    const hello = await this.next<Hello>('hello')
    const own = { ...hello, client: `${this.#erl.name}#1`, born: Date.now(), established: false, leads: false }
    await this.send(to, packMessage({ ...own, answer: false }))
  }

  async define(to: string, name: string, source: string, submitter: string): Promise<void> {
    const term = definitionTerm({ name, source, hash: hashOf(source), version: undefined, submitter })
    const write = { key: FUNCTION_PREFIX + name, bytes: encodeValue(term, {}), ttl: undefined, stale: 0 }
    const request = ++this.#request
    const operation = { kind: 'write', writes: [{ ...write, expected: undefined }] } as const
    const origin = { client: `${this.#erl.name}#1`, request, floor: request }
    await this.send(to, packMessage({ kind: 'submit', requests: [{ ...origin, operation, all: false }] }))
  }
}

describeOtp('functions of a store, of a BEAM node that speaks its protocol', (release) => {
  it('are refused where it is not listed, also in the name of another node', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    const speaker = await Speaker.on(erl)
    const node = await scene.node({ connectTo: [erl.name] })
    const store = node.store({ functions: { from: [] } })
    await store.ready({ timeout: 20_000 })
    await speaker.greet(node.name)
    await speaker.define(node.name, 'evil', '() => 1', erl.name)
    expect(await speaker.next<Refused>('refused')).toMatchObject({
      code: 'ERR_STORE_REFUSED',
      message: expect.stringContaining(`${erl.name} is not in \`functions.from\``),
    })
    await speaker.define(node.name, 'evil', '() => 1', node.name)
    expect(await speaker.next<Refused>('refused')).toMatchObject({
      code: 'ERR_STORE_REFUSED',
      message: expect.stringContaining(`in the name of ${node.name}`),
    })
    expect(store.functions.list()).toEqual([])
    // What is no message costs it its part in the store, and not the link.
    await speaker.send(node.name, Buffer.from('garbage'))
    expect(await node.ping(erl.name)).toBe('pong')
    await store.put('k', 1, { timeout: 20_000 })
  })

  it('are taken where it is listed, when they are what their hash says', async () => {
    await using scene = await Scene.open(release)
    const erl = await scene.erl()
    const speaker = await Speaker.on(erl)
    const node = await scene.node({ connectTo: [erl.name] })
    const store = node.store({ functions: { from: [erl.name] } })
    await store.ready({ timeout: 20_000 })
    await speaker.greet(node.name)
    await speaker.define(node.name, 'captured', '() => secret', erl.name)
    const refused = await speaker.next<Refused>('refused')
    expect(refused).toMatchObject({ code: 'ERR_STORE_REFUSED', message: expect.stringContaining('`secret`') })
    await speaker.define(node.name, 'sum', '(a, b) => a + b', erl.name)
    await expect.poll(() => store.functions.has('sum'), { timeout: 20_000 }).toBe(true)
    expect(await store.run('sum', [1, 4])).toBe(5)
    expect(store.functions.list()).toMatchObject([{ name: 'sum', submitter: erl.name, state: 'ready' }])
  })
})
