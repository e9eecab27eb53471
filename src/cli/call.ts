import { parse, print } from '../term/index.ts'
import { type GuestOptions, withGuest } from './guest.ts'
import { report } from './output.ts'

/** Calls a GenServer and prints its reply. */
export async function call(target: string, name: string, term: string, options: GuestOptions): Promise<void> {
  const request = parse(term)
  await withGuest(target, options, async (guest, node) => {
    const reply = await guest.call({ name, node }, request, { timeout: options.timeout })
    const width = process.stdout.columns ?? 80
    report(options, { node, name, reply: print(reply) }, print(reply, { indent: 2, width }))
  })
}
