/** The body of a thread that `function-thread.ts` starts: compiles each function once, and runs one call at a time. */
import { parentPort } from 'node:worker_threads'
import type { Term } from '../../term/index.ts'
import { type CompiledFunction, compile } from './compile.ts'
import type { FromThread, ToThread } from './function-thread.ts'
import { pack, unpack } from './packed-terms.ts'
import { describeThrown } from './thrown.ts'

const compiled = new Map<string, CompiledFunction>()

parentPort?.on('message', (message: ToThread) => {
  if (message.fresh) compiled.clear()
  void run(message).then((answer) => {
    parentPort?.postMessage(answer, answer.type === 'result' ? [answer.bytes.buffer] : [])
  })
})

async function run({ key, what, args }: ToThread): Promise<FromThread> {
  let result: unknown
  try {
    if (what !== undefined) compiled.set(key, compile(what))
    const fn = compiled.get(key) as CompiledFunction
    result = await fn(...(unpack(args) as unknown[]))
  } catch (error) {
    return { type: 'thrown', thrown: describeThrown(error) }
  }
  try {
    return { type: 'result', bytes: pack(result as Term) }
  } catch (error) {
    const { message, path = '' } = error as Error & { path?: string }
    // An EncodeError's message ends in its path, which the one made of it there adds anew.
    return { type: 'no-term', message: path === '' ? message : message.slice(0, -`, at ${path}`.length), path }
  }
}
