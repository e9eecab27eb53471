import { type REPLServer, start } from 'node:repl'
import { PassThrough } from 'node:stream'
import * as tsunagi from '../index.ts'
import type { LocalNode } from '../node/local-node.ts'

/**
 * Node's own REPL, with top-level await, and with the node, its common methods and everything `tsunagi` exports in scope.
 * Runs until its input ends, or the signal aborts.
 *
 * @returns whether something it read threw, when its input is no terminal: then a script failed
 */
export async function runRepl(node: LocalNode, signal: AbortSignal): Promise<boolean> {
  const terminal = process.stdin.isTTY === true
  const server = terminal ? openTerminal(node) : openPipe()
  fill(server, node)
  server.on('reset', () => fill(server, node))
  const ended = new Promise<void>((resolve) => server.once('exit', resolve))
  const close = (): void => server.close()
  signal.addEventListener('abort', close, { once: true })
  if (!terminal) {
    feed(server).catch((error: unknown) => {
      // A pipe that is still open when the command ends is closed below.
      if (!signal.aborted) throw error
    })
  }
  await ended
  signal.removeEventListener('abort', close)
  process.stdin.destroy()
  return !terminal && (server as REPLServer & { lastError?: unknown }).lastError !== undefined
}

function openTerminal(node: LocalNode): REPLServer {
  return start({ prompt: `${node.name}> `, useColors: !process.env.NO_COLOR })
}

function openPipe(): REPLServer {
  const input = new PassThrough()
  const server = start({ prompt: '', input, output: process.stdout, terminal: false, ignoreUndefined: true })
  // Without a terminal it does nothing, not even ask for the next line.
  server.defineCommand('editor', { action: () => server.displayPrompt() })
  return server
}

/** Gives a REPL its lines one by one: from a pipe it would take the next while it still awaits what the last one did. */
async function feed(server: REPLServer): Promise<void> {
  let ready: () => void = () => {}
  // It shows its prompt when it is done with a line, whether that worked, threw, or is to be continued.
  server.displayPrompt = () => ready()
  for await (const line of linesOf(process.stdin)) {
    const done = new Promise<void>((resolve) => {
      ready = resolve
    })
    ;(server as unknown as { readonly input: PassThrough }).input.write(`${line}\n`)
    await done
  }
  server.close()
}

async function* linesOf(input: NodeJS.ReadStream): AsyncIterable<string> {
  let rest = ''
  for await (const chunk of input.setEncoding('utf8')) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') yield rest
}

function fill(server: REPLServer, node: LocalNode): void {
  Object.assign(server.context, tsunagi, {
    node,
    nodes: node.nodes.bind(node),
    connect: node.connect.bind(node),
    ping: node.ping.bind(node),
    spawn: node.spawn.bind(node),
    send: node.send.bind(node),
    call: node.call.bind(node),
    cast: node.cast.bind(node),
    rpc: node.rpc.bind(node),
  })
}
