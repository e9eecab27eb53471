import { paintFor } from '../output.ts'

/** Where the demo is told. */
export interface Stage {
  /** Whether somebody reads along, who needs a moment. */
  readonly slow: boolean
  step(name: string, title: string, lines: readonly string[]): void
  /** Something happened at a node. */
  say(node: string, text: string): void
  note(text: string): void
}

/** Tells the story on a terminal, or as plain text. */
export function textStage(): Stage {
  const paint = paintFor(process.stdout)
  const print = (text: string): void => void process.stdout.write(`${text}\n`)
  let steps = 0
  return {
    slow: process.stdout.isTTY === true,
    step(_name, title, lines) {
      print(`\n${paint.bold(`${++steps}. ${title}`)}`)
      for (const line of lines) print(`   ${paint.dim(line)}`)
    },
    say: (node, text) => print(`   ${paint.green('✓')} ${paint.cyan((node.split('@')[0] ?? node).padEnd(5))}  ${text}`),
    note: (text) => print(`\n${paint.dim(text)}`),
  }
}

/** Tells it as lines of JSON. */
export function jsonStage(): Stage {
  const print = (data: object): void => void process.stdout.write(`${JSON.stringify(data)}\n`)
  let current = ''
  return {
    slow: false,
    step(step, title) {
      current = step
      print({ step, title })
    },
    say: (node, text) => print({ step: current, node, text }),
    note: (text) => print({ note: text }),
  }
}
