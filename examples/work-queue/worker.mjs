// Works on what it is given, one job at a time. Start as many as you like, wherever, whenever.
//
//   node examples/work-queue/worker.mjs NAME
import { setTimeout } from 'node:timers/promises'
import { GenServer, startNode } from 'tsunagi'

class Worker extends GenServer {
  async handleCall(job) {
    await setTimeout(20) // Stands for work.
    return job * job
  }
}

const node = await startNode({ name: `${process.argv[2]}@127.0.0.1`, cookie: 'hello', connectTo: 'queue@127.0.0.1' })
const worker = await node.start(Worker)
// From now on the queue knows it; when this process ends, however it ends, it is out of the group again.
node.pg().join('workers', worker)

process.once('SIGINT', () => node.leave())
process.once('SIGTERM', () => node.leave())
