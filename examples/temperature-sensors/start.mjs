// Two sensors and a display, each a process of its own; where Elixir is installed a display in Elixir too, which
// fetches Phoenix.PubSub from hex.pm the first time. Ctrl-C ends them all.
//
//   node examples/temperature-sensors/start.mjs
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const file = (name) => fileURLToPath(new URL(name, import.meta.url))
const children = []

function start(command, args) {
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  children.push(child)
  return child
}

const display = start(process.execPath, [file('display.mjs')])
for (const place of ['kitchen', 'garden']) start(process.execPath, [file('sensor.mjs'), place])

// The nodes above serve the port mapper; Erlang need not start its own.
const name = ['--name', 'elixir@127.0.0.1', '--cookie', 'hello', '--erl', '-start_epmd false']
start('elixir', [...name, file('display.exs')]).on('error', () =>
  console.log('(without Elixir, which is not installed)'),
)

const stop = () => {
  for (const child of children) child.kill()
}
process.once('SIGINT', stop)
process.once('SIGTERM', stop)
display.once('exit', stop)
