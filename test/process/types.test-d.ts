import { expectTypeOf, it } from 'vitest'
import type { Destination } from '../../src/process/address.ts'
import { GenServer } from '../../src/process/gen-server.ts'
import type { Process } from '../../src/process/process.ts'
import type { ProcessSystem } from '../../src/process/process-system.ts'
import type { Pid } from '../../src/term/identifiers.ts'
import type { Term } from '../../src/term/term.ts'
import { isTuple, type Tuple } from '../../src/term/tuple.ts'

declare const system: ProcessSystem
declare const self: Process

class Adder extends GenServer<number, number, 'reset'> {
  #sum = 0

  override handleCall(request: number) {
    this.#sum += request
    return this.#sum
  }

  override handleCast(_reset: 'reset') {
    this.#sum = 0
  }
}

it('a server types its calls and casts', async () => {
  const adder = await system.start(Adder)
  expectTypeOf(await adder.call(1)).toEqualTypeOf<number>()
  adder.cast('reset')
  // @ts-expect-error it adds numbers
  await adder.call('1')
  // @ts-expect-error it knows no other cast
  adder.cast('other')
})

it('a call is typed by the reference it goes to', async () => {
  const adder = await system.start(Adder)
  expectTypeOf(await system.call(adder, 1)).toEqualTypeOf<number>()
  system.cast(adder, 'reset')
  // @ts-expect-error it adds numbers
  await system.call(adder, '1')
  // @ts-expect-error it knows no other cast
  system.cast(adder, 'other')
  expectTypeOf(await self.call(adder, 1)).toEqualTypeOf<number>()
  // @ts-expect-error it adds numbers
  await self.call(adder, '1')
  // Who else answers there is not known.
  expectTypeOf(await system.call(adder.pid, '1')).toEqualTypeOf<Term>()
  expectTypeOf(await system.call({ name: 'adder', node: 'b@host' }, '1')).toEqualTypeOf<Term>()
  expectTypeOf(await system.call('adder' as Destination, '1')).toEqualTypeOf<Term>()
  system.cast('adder', 1)
})

it('children are one thing each', async () => {
  const supervisor = await system.supervise({
    strategy: 'rest_for_one',
    children: [
      { id: 'adder', server: Adder, name: 'adder' },
      { id: 'handlers', server: { handleCall: (request: number) => request } },
      { id: 'loop', process: async (self) => void (await self.receive()), restart: 'transient' },
      { id: 'inner', supervisor: { children: [] }, shutdown: 1000 },
      { id: 'http', start: (self) => ({ close: () => self.pid }) },
    ],
  })
  expectTypeOf(await supervisor.startChild({ process: () => {} })).toEqualTypeOf<Pid>()
  // @ts-expect-error nothing to start
  await supervisor.startChild({ id: 'none' })
  // @ts-expect-error no such restart
  await supervisor.startChild({ process: () => {}, restart: 'always' })
  // @ts-expect-error nothing to close
  await supervisor.startChild({ start: () => 5 })
})

it('a server without types takes and gives terms', async () => {
  class Plain extends GenServer {
    override async handleCall(request: Term) {
      return request
    }
  }
  const plain = await system.start(() => new Plain(), { name: 'plain' })
  expectTypeOf(await plain.call('anything')).toEqualTypeOf<Term>()
  // @ts-expect-error a function is no term
  await plain.call(() => 1)
})

it('a type guard types what is received', async () => {
  expectTypeOf(await self.receive(isTuple)).toEqualTypeOf<Tuple>()
  expectTypeOf(await self.receive()).toEqualTypeOf<Term>()
  expectTypeOf(await self.receive((message) => message === 1)).toEqualTypeOf<1>()
  expectTypeOf(await self.receive((message) => String(message) === '1')).toEqualTypeOf<Term>()
  for await (const message of self) expectTypeOf(message).toEqualTypeOf<Term>()
})

it('exit with one argument ends the process, with two it sends', () => {
  expectTypeOf(() => self.exit('reason')).returns.toEqualTypeOf<never>()
  expectTypeOf((pid: Pid) => self.exit(pid, 'reason')).returns.toEqualTypeOf<void>()
})

it('spawn options are checked', () => {
  system.spawn(() => {}, { name: 'a', trapExit: true, overflow: 'drop' })
  // @ts-expect-error no such overflow
  system.spawn(() => {}, { overflow: 'grow' })
})
