// Gives each worker of the group a job, the next one when it is done, and gives a job that was lost with its worker to
// another. A job may so be done twice, but is never left undone.
//
//   node examples/work-queue/queue.mjs
import { startNode } from 'tsunagi'

const node = await startNode({ name: 'queue@127.0.0.1', cookie: 'hello' })
const workers = node.pg()
const jobs = Array.from({ length: 100 }, (_, index) => index)
const done = new Map()
const busy = new Set()
let again = 0
let finish
const finished = new Promise((resolve) => {
  finish = resolve
})

async function work(worker) {
  busy.add(worker)
  while (jobs.length > 0) {
    const job = jobs.shift()
    try {
      // It rejects at once when the worker or its node is gone.
      done.set(job, await node.call(worker, job))
    } catch (error) {
      console.log(`queue: job ${job} is lost with ${worker.node} (${error.code})`)
      jobs.push(job)
      again++
      break
    }
  }
  busy.delete(worker)
  if (done.size === 100) finish()
  // The job that came back needs somebody.
  else employ()
}

function employ() {
  if (jobs.length === 0) return
  for (const worker of workers.members('workers')) if (!busy.has(worker)) void work(worker)
}

workers.on('join', (_group, pids) => {
  for (const pid of pids) console.log(`queue: a worker at ${pid.node}`)
  employ()
})
console.log('queue: waits for workers')
await finished
console.log(`queue: ${done.size} jobs done, ${again} of them given to somebody else after a loss`)
await node.close()
