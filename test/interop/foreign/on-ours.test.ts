import { expect, it } from 'vitest'
import { atom, isTuple, Pid, tuple } from '../../../src/term/index.ts'
import { Scene, type TestNode } from '../../support/scene.ts'
import {
  describeForeign,
  type GreetingOptions,
  runEiClient,
  runErlCall,
  runJinterfacePing,
} from '../support/foreign.ts'

async function withNode(body: (options: GreetingOptions, node: TestNode) => Promise<void>): Promise<void> {
  await using scene = await Scene.open()
  const node = await scene.node({ cookie: 'hello' })
  node.spawn(
    async (self) => {
      for await (const message of self) {
        if (isTuple(message) && message[0] instanceof Pid) self.send(message[0], tuple(atom(node.name), message[1]))
      }
    },
    { name: 'greeter' },
  )
  await body({ node: node.name, cookie: 'hello', epmdPort: scene.epmdPort, to: 'greeter' }, node)
}

describeForeign('jinterface', () => {
  it('pings our node and greets', async () => {
    await withNode(async (options, node) => {
      const { code, output } = await runJinterfacePing(options)
      expect(output).toBe(`pong\nreceived {'${node.name}',hello}`)
      expect(code).toBe(0)
    })
  })
})

describeForeign('libei', () => {
  it('connects to our node, calls net_kernel and greets', async () => {
    await withNode(async (options) => {
      const { code, output } = await runEiClient(options)
      expect(output).toMatch(/^connected\nnet_kernel answered \{#Ref<.*>, yes\}\nreceived \{.*@127.*, hello\}$/)
      expect(code).toBe(0)
    })
  })

  it('is refused with another cookie', async () => {
    await withNode(async (options, node) => {
      const { code, output } = await runEiClient({ ...options, cookie: 'other' })
      expect(output).toMatch(/^connecting failed/)
      expect(code).toBe(1)
      expect(node.log.messages('warn').join()).toMatch(/another cookie/)
    })
  })
})

describeForeign('erl_call', () => {
  it('connects to our node and is told what it cannot call', async () => {
    await withNode(async (options, node) => {
      const up = new Promise((resolve) => node.once('nodeup', resolve))
      const { output } = await runErlCall({ ...options, apply: 'erlang length [[a,b,c]]' })
      await up
      expect(output).toMatch(/badrpc.*undef/s)
    })
  })

  it('calls what our node exposes, and is told what it raises', async () => {
    await withNode(async (options, node) => {
      node.expose('math', {
        add: (x, y) => x + y,
        leave() {
          this.self.exit(atom('gone'))
        },
      })
      expect((await runErlCall({ ...options, apply: 'math add [1,2]' })).output).toBe('3')
      expect((await runErlCall({ ...options, apply: 'math leave []' })).output).toMatch(/badrpc.*EXIT.*gone/s)
    })
  })

  it('is answered what our node does offer', async () => {
    await withNode(async (options) => {
      expect((await runErlCall({ ...options, apply: 'erlang nodes' })).output).toBe('[]')
    })
  })

  it('is refused with another cookie', async () => {
    await withNode(async (options) => {
      expect((await runErlCall({ ...options, cookie: 'other', apply: 'erlang nodes' })).code).not.toBe(0)
    })
  })
})
