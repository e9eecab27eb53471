/** A node whose calls are traced, beside BEAM nodes, which know nothing of it. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { CallTracer } from '../../src/process/call-trace.ts'
import { atom, tuple } from '../../src/term/index.ts'
import type { OtpNode } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'
import { Scene, type TestNode } from '../support/scene.ts'

/** Gives every call a context, and keeps what came with those that were answered. */
function tracing() {
  const served: unknown[] = []
  const tracer: CallTracer = {
    call: () => ({ carrier: { traceparent: 'here' }, end() {} }),
    serve(_call, carrier, run) {
      served.push(carrier)
      return run()
    },
  }
  return { served, open: async () => tracer }
}

describeOtp('a node that traces', (release) => {
  const traces = tracing()
  let scene: Scene
  let erl: OtpNode
  let node: TestNode

  beforeAll(async () => {
    scene = await Scene.open(release)
    erl = await scene.erl()
    node = await scene.node({ tracing: traces })
    await node.connect(erl.name)
    await node.start({ handleCall: (request) => request }, { name: 'echo' })
    node.expose('math', { double: (n: number) => n * 2 })
  })

  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]()
  })

  it('calls servers and functions of a BEAM as any other', async () => {
    expect(await node.call({ name: 'net_kernel', node: erl.name }, tuple(atom('is_auth'), atom(node.name)))).toBe(
      atom('yes'),
    )
    expect(await node.rpc(erl.name, 'lists', 'sum', [[1, 2, 3]])).toBe(6)
    expect(await erl.eval('seq_trace:get_token()')).toBe('[]')
  })

  it('answers the calls of a BEAM, whose own trace tokens say nothing to it', async () => {
    traces.served.length = 0
    const traced = `
      seq_trace:set_token(label, 17),
      Echo = gen_server:call({echo, '${node.name}'}, hello),
      Double = erpc:call('${node.name}', math, double, [21]),
      seq_trace:set_token([]),
      {Echo, Double}`
    expect(await erl.eval(traced)).toBe('{hello,42}')
    expect(traces.served).toEqual([undefined, undefined])
  })
})
