// A counter under a supervisor: it crashes, is started again, and goes on with what it had saved.
//
//   node examples/supervised-server.mjs
import { atom, GenServer, startNode } from 'tsunagi'

/** Stands for a database: what is to outlive a crash is not in the server. */
let saved = 0

class Counter extends GenServer {
  #count = 0
  #unsaved = 0

  init() {
    this.#count = saved
    console.log(`counter: starts at ${this.#count}`)
  }

  handleCall(request) {
    if (request !== atom('next')) throw new Error('what?')
    this.#unsaved++
    return ++this.#count
  }

  handleCast(message) {
    if (message !== atom('save')) return
    saved = this.#count
    this.#unsaved = 0
  }

  terminate(reason) {
    console.log(`counter: ends with ${this.#unsaved} unsaved${reason === atom('shutdown') ? ', in good order' : ''}`)
  }
}

const logger = {
  debug() {},
  info() {},
  warn() {},
  error: (_data, line) => console.log(line.replace(/#Pid<.*?>/, 'PID')),
}
const node = await startNode({ name: 'shop@127.0.0.1', cookie: 'hello', logger })
const supervisor = await node.supervise({
  name: 'shop',
  strategy: 'one_for_one',
  maxRestarts: 3,
  maxSeconds: 5,
  children: [
    { id: 'counter', server: Counter, name: 'counter', trapExit: true },
    { id: 'clock', start: () => ({ close: () => console.log('clock: closed') }) },
  ],
})

for (let i = 0; i < 3; i++) await node.call('counter', atom('next'))
node.cast('counter', atom('save'))
console.log('counted to', await node.call('counter', atom('next')))

// The server does not know this request and crashes; so does the call.
await node.call('counter', 'nonsense').catch((error) => console.log(error.code))
// A supervisor does one thing after the other: when it answers, the counter has been started again.
const { active } = await supervisor.countChildren()
console.log(`${active} children run`)
console.log('counted to', await node.call('counter', atom('next')))

await node.close()
