import type { LocalNode, LocalNodeEvents } from '../../node/local-node.ts'
import { type Finding, findings } from './advice.ts'
import type { Checks, Step } from './check.ts'
import type { Place } from './find.ts'
import { speaksTls } from './probe.ts'

/** How long a handshake may take, and then an answer, in milliseconds: more than a node gives each of its steps. */
const LINK_PATIENCE = 8_000

/** What a handshake settles, in this order, and what to say when it did. */
const SETTLED: readonly (readonly [Step, (name: string) => string])[] = [
  ['protocol', (name) => `${name} speaks the Erlang distribution protocol`],
  ['allowed', (name) => `${name} allows this node to connect`],
  ['name', (name) => `it calls itself ${name}`],
  ['flags', () => 'it can what a node of OTP 25 or newer can'],
  ['cookie', () => 'the two cookies are the same'],
]

/** Has the node connect as it does by itself. What the link would need is settled by its handshake. */
export async function checkConnect(
  node: LocalNode,
  address: string,
  name: string,
  place: Place,
  checks: Checks,
  signal: AbortSignal,
): Promise<boolean> {
  let failure: LocalNodeEvents['connect-failed'][1] | undefined
  const onFailed = (peer: string, error: typeof failure): void => {
    if (peer === name) failure ??= error
  }
  node.on('connect-failed', onFailed)
  const answer = await node
    .ping(address, { signal, timeout: LINK_PATIENCE })
    .finally(() => node.off('connect-failed', onFailed))
  signal.throwIfAborted()
  if (node.nodes().includes(name)) {
    for (const [step, message] of SETTLED) checks.ok(step, message(name))
    return checkAnswer(answer, checks)
  }
  const { code, message: reason } = failure ?? silence(name)
  const found: Finding = findings[code] ?? { step: 'protocol', advice: 'See what docs/errors.md says of the code.' }
  for (const [step, message] of SETTLED) {
    if (step === found.step) break
    checks.ok(step, message(name))
  }
  const probe = { clock: node.discovery.clock, signal }
  const tls = found.step === 'protocol' && (await speaksTls(place.host, place.port, probe))
  const advice = 'It was started with -proto_dist inet_tls, for nodes that use TLS. Start it without, or dial another.'
  const told = tls
    ? { message: `port ${place.port} speaks TLS, and this node dials without`, advice }
    : { message: reason, advice: found.advice }
  checks.add({ step: found.step, status: 'failed', ...told, code })
  return false
}

function silence(name: string) {
  return { code: 'ERR_CONNECT_TIMEOUT' as const, message: `${name} did not connect within ${LINK_PATIENCE} ms` }
}

function checkAnswer(answer: 'pong' | 'pang', checks: Checks): boolean {
  if (answer === 'pong') {
    checks.ok('answers', 'its net_kernel answers')
    return true
  }
  const message = 'it is connected, but its net_kernel does not say yes'
  const advice = 'It is overloaded, a C or Java node, or the link has just gone down again: look at its log.'
  checks.add({ step: 'answers', status: 'failed', message, advice })
  return false
}
