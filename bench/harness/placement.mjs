import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { onPath } from './stage.mjs'

const processors = availableParallelism()

/** Whether processes can be told which processor to run on. */
export const canPlace = process.platform === 'linux' && processors > 1 && onPath('taskset')

/**
 * Says where both ends run. Left alone, the system puts two processes that wake each other in turn on one processor or
 * on two, and keeps to it; waking a process on another, idle processor takes longer than all the rest of a round trip.
 *
 * @param {import('../participants/participant.mjs').Pair} pair
 * @param {'apart' | 'together' | 'free'} how
 */
export function place({ sender, receiver }, how) {
  if (!canPlace) return
  const all = `0-${processors - 1}`
  pin(sender.pid, how === 'free' ? all : '0')
  pin(receiver.pid, how === 'free' ? all : how === 'apart' ? '1' : '0')
}

/** All threads of a process. @param {number | undefined} pid @param {string} list of processors */
function pin(pid, list) {
  execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', list, String(pid)], { stdio: 'ignore' })
}
