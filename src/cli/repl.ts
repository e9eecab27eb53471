import { homedir } from 'node:os'
import { join } from 'node:path'
import type { AsyncCompleter } from 'node:readline'
import { type REPLServer, type ReplOptions, start } from 'node:repl'
import { PassThrough } from 'node:stream'
import { inspect } from 'node:util'
import { printable } from '../base/terminal-text.ts'
import * as tsunagi from '../index.ts'
import type { TsunagiNode } from '../tsunagi.ts'
import { columns, harmless, wantsColours } from './output.ts'
import { StringCompletion } from './repl-completion.ts'

/**
 * Node's own REPL, with top-level await, and with the node, its common methods and everything `tsunagi` exports in scope.
 * Runs until its input ends, or the signal aborts.
 *
 * @returns whether something it read threw, when its input is no terminal: then a script failed
 */
export async function runRepl(node: TsunagiNode, signal: AbortSignal): Promise<boolean> {
  const terminal = process.stdin.isTTY === true
  const server = terminal ? await openTerminal(node) : openPipe()
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

/** A REPL for a person. Streams: default those of the process. */
export async function openTerminal(
  node: TsunagiNode,
  streams: Pick<ReplOptions, 'input' | 'output' | 'terminal'> = {},
): Promise<REPLServer> {
  const { name } = node
  const output = streams.output ?? process.stdout
  output.write(`\`node\` is ${name}; await works; .help lists commands, Tab completes nodes and names in quotes.\n`)
  const useColors = wantsColours(output as { isTTY?: boolean })
  const server = start({ prompt: `${name}> `, useColors, writer: writerFor(useColors), ...streams })
  completeStrings(server, node)
  addCommands(server, node)
  await keepHistory(server)
  return server
}

/** Shows values as Node.js does; the message of an error may be a peer's. */
function writerFor(colors: boolean): (value: unknown) => string {
  return (value) => harmless(inspect(value, { showProxy: true, colors }))
}

/** Where lines are kept for the next time; `TSUNAGI_REPL_HISTORY` says another file, or `''`: nowhere. */
async function keepHistory(server: REPLServer): Promise<void> {
  const path = process.env.TSUNAGI_REPL_HISTORY ?? join(homedir(), '.tsunagi_repl_history')
  // A file that cannot be used is told by the REPL itself, which goes on without it.
  await new Promise((resolve) => server.setupHistory(path, resolve))
}

/** Within quotes nodes and names are completed, elsewhere what Node.js completes. */
function completeStrings(server: REPLServer, node: TsunagiNode): void {
  const strings = new StringCompletion(node)
  const inner = server as unknown as { completer: AsyncCompleter }
  const standard = inner.completer.bind(server)
  inner.completer = (line, callback) => {
    strings.complete(line).then(
      (found) => (found === undefined ? standard(line, callback) : callback(null, found)),
      (error: Error) => callback(error),
    )
  }
}

function addCommands(server: REPLServer, node: TsunagiNode): void {
  const define = (name: string, help: string, action: (text: string) => Promise<string> | string): void => {
    server.defineCommand(name, {
      help,
      async action(text) {
        this.clearBufferedCommand()
        try {
          this.output.write(`${harmless(await action(text.trim()))}\n`)
        } catch (error) {
          this.output.write(`${printable(error instanceof Error ? error.message : String(error))}\n`)
        }
        this.displayPrompt()
      },
    })
  }
  define('nodes', 'List the nodes this one is connected to', () => {
    const rows = [
      ...node.nodes('visible').map((it) => [it, 'visible']),
      ...node.nodes('hidden').map((it) => [it, 'hidden']),
    ]
    return rows.length === 0 ? 'connected to no other node' : columns(rows)
  })
  define('names', 'List the names registered here', () => node.registered().sort().map(printable).join('\n'))
  define('connect', 'Connect to a node: .connect b@127.0.0.1', async (name) => {
    await node.connect(name)
    return `connected to ${name}`
  })
  define('ping', 'Ping a node: .ping b@127.0.0.1', (name) => node.ping(name))
}

function openPipe(): REPLServer {
  const input = new PassThrough()
  const server = start({
    prompt: '',
    input,
    output: process.stdout,
    terminal: false,
    ignoreUndefined: true,
    writer: writerFor(false),
  })
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

function fill(server: REPLServer, node: TsunagiNode): void {
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
