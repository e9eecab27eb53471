import { OptionError } from '../base/errors.ts'
import { isTuple, parse, print, type Term } from '../term/index.ts'
import { type GuestOptions, withGuest } from './guest.ts'
import { report } from './output.ts'

/** Calls a function and prints what it returns. */
export async function rpc(target: string, name: string, list: string, options: GuestOptions): Promise<void> {
  const { module, fn } = functionOf(name)
  const args = argumentsOf(list)
  await withGuest(target, options, async (guest, node) => {
    const result = await guest.rpc(node, module, fn, args, { timeout: options.timeout })
    const width = process.stdout.columns ?? 80
    report(options, { node, module, function: fn, result: print(result) }, print(result, { indent: 2, width }))
  })
}

function functionOf(name: string): { readonly module: string; readonly fn: string } {
  const [, module, fn] = /^([^:]+):(.+)$/s.exec(name) ?? []
  if (module === undefined || fn === undefined) {
    throw new OptionError('m:f', name, 'module and function, such as lists:sum')
  }
  return { module, fn }
}

function argumentsOf(text: string): readonly Term[] {
  const args = parse(text)
  if (Array.isArray(args) && !isTuple(args)) return args
  throw new OptionError('args', text, `a list of arguments, such as '[1, two]'`)
}
