// Two sensors and a display, each a process of its own; where Elixir is installed a display in Elixir too, which
// fetches Phoenix.PubSub from hex.pm the first time. Ctrl-C ends them all.
//
//   node examples/temperature-sensors/start.mjs
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const file = (name) => fileURLToPath(new URL(name, import.meta.url))
const children = []

function start(command, args, stdout = 'inherit') {
  const child = spawn(command, args, { stdio: ['ignore', stdout, 'inherit'] })
  children.push(child)
  return child
}

const display = start(process.execPath, [file('display.mjs')], 'pipe')
display.stdout.pipe(process.stdout)
for (const place of ['kitchen', 'garden']) start(process.execPath, [file('sensor.mjs'), place])

// When the display is up there is a port mapper: Erlang, which ends without one, need not start its own.
display.stdout.once('data', () => {
  const name = ['--name', 'elixir@127.0.0.1', '--cookie', 'hello', '--erl', '-start_epmd false']
  start('elixir', [...name, file('display.exs')]).on('error', () =>
    console.log('(without Elixir, which is not installed)'),
  )
})

const stop = () => {
  for (const child of children) child.kill()
}
process.once('SIGINT', stop)
process.once('SIGTERM', stop)
display.once('exit', stop)
