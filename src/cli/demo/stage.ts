import { cutTo, paintFor } from '../output.ts'

/** Where the demo is told. */
export interface Stage {
  /** Whether somebody reads along, who needs a moment. */
  readonly slow: boolean
  step(name: string, title: string, lines: readonly string[]): void
  /** Something happened at a node. */
  say(node: string, text: string): void
  note(text: string): void
  /** How it stands now, in one line that the next one replaces; only where somebody reads along. */
  now(text: string): void
}

/** Tells the story on a terminal, or as plain text. */
export function textStage(): Stage {
  const paint = paintFor(process.stdout)
  let steps = 0
  let status = false
  const print = (text: string): void => {
    process.stdout.write(`${status ? '\r\u001b[K' : ''}${text}\n`)
    status = false
  }
  return {
    slow: process.stdout.isTTY === true,
    step(_name, title, lines) {
      print(`\n${paint.bold(`${++steps}. ${title}`)}`)
      for (const line of lines) print(`   ${paint.dim(line)}`)
    },
    say: (node, text) => print(`   ${paint.green('✓')} ${paint.cyan((node.split('@')[0] ?? node).padEnd(5))}  ${text}`),
    note: (text) => print(`\n${text}`),
    now(text) {
      if (process.stdout.isTTY !== true) return
      process.stdout.write(`\r\u001b[K   ${cutTo(text, (process.stdout.columns ?? 80) - 4)}`)
      status = true
    },
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
    now() {},
  }
}
