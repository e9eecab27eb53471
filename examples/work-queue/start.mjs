// A queue and three workers, each a process of its own. One of them is killed in the midst of its work.
//
//   node examples/work-queue/start.mjs
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const start = (name, ...args) =>
  spawn(process.execPath, [fileURLToPath(new URL(name, import.meta.url)), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })

const queue = start('queue.mjs')
queue.stdout.pipe(process.stdout)
const workers = ['one', 'two', 'three'].map((name) => start('worker.mjs', name))

queue.stdout.on('data', (text) => {
  if (text.includes('a worker at two@')) workers[1].kill('SIGKILL')
})
const stop = () => {
  for (const child of [queue, ...workers]) child.kill()
}
queue.once('exit', stop)
process.once('SIGINT', stop)
process.once('SIGTERM', stop)
