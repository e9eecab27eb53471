import { createInterface } from 'node:readline'

/**
 * The child's side of `Endpoint`: runs one command after the other and answers each with a line.
 *
 * @param {Record<string, (...words: string[]) => unknown>} commands each returns, or resolves to, what to answer
 */
export async function obey(commands) {
  for await (const line of createInterface({ input: process.stdin })) {
    const [name = '', ...words] = line.split(' ')
    const command = commands[name]
    let answer
    try {
      if (command === undefined) throw new Error(`does not know the command "${name}"`)
      answer = (await command(...words)) ?? {}
    } catch (error) {
      answer = { error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
    }
    process.stdout.write(`= ${JSON.stringify(answer)}\n`)
  }
  process.exit(0)
}
