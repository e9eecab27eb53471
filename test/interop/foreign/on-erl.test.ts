import { expect, it } from 'vitest'
import { startEpmd, startErl } from '../../support/otp.ts'
import { describeOtp } from '../../support/releases.ts'
import {
  describeForeign,
  type GreetingOptions,
  runEiClient,
  runErlCall,
  runJinterfacePing,
} from '../support/foreign.ts'

// The clients are what our nodes are tested with: here they show on real nodes that they work themselves.
describeOtp('a real node', (release) => {
  const withNode = async (body: (options: GreetingOptions) => Promise<void>) => {
    await using epmd = await startEpmd()
    await using otp = await startErl({ release, name: 'peer@127.0.0.1', cookie: 'hello', epmdPort: epmd.port })
    await otp.eval('register(greeter, spawn(fun G() -> receive {P, M} -> P ! {node(), M} end, G() end))')
    await body({ node: otp.name, cookie: 'hello', epmdPort: epmd.port, to: 'greeter' })
  }

  describeForeign('jinterface', () => {
    it('pings and greets', async () => {
      await withNode(async (options) => {
        const { code, output } = await runJinterfacePing(options)
        expect(output).toBe("pong\nreceived {'peer@127.0.0.1',hello}")
        expect(code).toBe(0)
      })
    })
  })

  describeForeign('libei', () => {
    it('connects, calls net_kernel and greets', async () => {
      await withNode(async (options) => {
        const { code, output } = await runEiClient(options)
        expect(output).toMatch(/^connected\nnet_kernel answered \{#Ref<.*>, yes\}\nreceived \{.*peer@127.*, hello\}$/)
        expect(code).toBe(0)
      })
    })

    it('is refused with another cookie', async () => {
      await withNode(async (options) => {
        const { code, output } = await runEiClient({ ...options, cookie: 'other' })
        expect(output).toMatch(/^connecting failed/)
        expect(code).toBe(1)
      })
    })
  })

  describeForeign('erl_call', () => {
    it('applies a function', async () => {
      await withNode(async (options) => {
        const result = await runErlCall({ ...options, apply: 'erlang length [[a,b,c]]' })
        expect(result).toEqual({ code: 0, output: '3' })
      })
    })

    it('is refused with another cookie', async () => {
      await withNode(async (options) => {
        expect((await runErlCall({ ...options, cookie: 'other', apply: 'erlang node' })).code).not.toBe(0)
      })
    })
  })
})
