/**
 * Fairness between processes and the rest of the program. Promises settle before any socket is read again, so two
 * processes that only talk to each other would stop a node's links, timers and ticks. As OTP takes a process off its
 * scheduler after a number of reductions, a mailbox asks for its turn before it hands a message over, and when messages
 * were handled for as long as `turnTime` the event loop goes round once. The event loop is the thread's, so is the turn,
 * and so is its time: no injected clock.
 *
 * The time (ms) is long enough to handle what a link brings in one go: handing over less than arrives would only move
 * messages from the kernel, which can make a sender wait, into mailboxes, which cannot.
 */
const turnTime = 20
/** How often, in messages, the time is looked at: each time at first, ever less often while messages are handled fast. */
const messagesPerLook = 256
const fast = 1

let left = 0
let perLook = 1
let running = false
let looked = 0
let deadline = 0
let waiting: (() => void)[] = []

/** Whether one more message may be handled in this turn. After a false, wait for {@link nextTurn}. */
export function takeTurn(): boolean {
  if (left > 0) {
    left--
    return true
  }
  const now = performance.now()
  if (!running) {
    start()
    deadline = now + turnTime
  } else if (now - looked > fast) {
    perLook = 1
  } else if (perLook < messagesPerLook) {
    perLook *= 2
  }
  looked = now
  if (now >= deadline) return false
  left = perLook - 1
  return true
}

/** Calls `callback` when the event loop has gone round. It must not throw. */
export function nextTurn(callback: () => void): void {
  waiting.push(callback)
  if (!running) start()
}

const settled = Promise.resolve()

/**
 * Calls `callback` when the code that runs now is done, still in this turn: cheaper than `queueMicrotask`, which also
 * keeps an asynchronous context for each. It must not throw.
 */
export function soon(callback: () => void): void {
  void settled.then(callback)
}

function start(): void {
  running = true
  perLook = 1
  setImmediate(end)
}

function end(): void {
  running = false
  left = 0
  const callbacks = waiting
  waiting = []
  for (const callback of callbacks) callback()
}
