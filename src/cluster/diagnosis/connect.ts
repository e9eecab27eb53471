import type { ErrorCode } from '../../base/errors.ts'
import type { LocalNode } from '../../node/local-node.ts'
import { type Finding, findings } from './advice.ts'
import type { Checks, Step } from './check.ts'
import { DIAL_PATIENCE, type DialOutcome, dialOnce } from './dial.ts'
import type { Place } from './find.ts'
import { speaksTls } from './probe.ts'

/** What a handshake settles, in this order, and what to say when it did. */
const SETTLED: readonly (readonly [Step, (name: string) => string])[] = [
  ['protocol', (name) => `${name} speaks the Erlang distribution protocol`],
  ['allowed', (name) => `${name} allows this node to connect`],
  ['name', (name) => `it calls itself ${name}`],
  ['flags', () => 'it can what a node of OTP 25 or newer can'],
  ['cookie', () => 'the two cookies are the same'],
]

/** What comes of speaking to a port that wants TLS. */
const GARBLED = new Set<ErrorCode>(['ERR_CONNECT_CLOSED', 'ERR_CONNECT_PROTOCOL'])

/** Has the node connect as it does by itself. What the link would need is settled by its handshake. */
export async function checkConnect(
  node: LocalNode,
  address: string,
  name: string,
  place: Place,
  checks: Checks,
  signal: AbortSignal,
): Promise<boolean> {
  const had = node.nodes().includes(name)
  const outcome = await dialOnce(node, { name, address }, signal)
  if (outcome.is === 'connected' || outcome.is === 'lost') {
    const { welcome } = node.discovery.standing(name)
    for (const [step, message] of SETTLED) {
      if (step === 'protocol' && welcome === 'alive' && !had) checks.add(tookOver(name, node.name))
      else checks.ok(step, message(name))
    }
    return checkAnswer(outcome, checks)
  }
  const { code, message: reason } = outcome.is === 'failed' ? outcome.error : silence(name)
  const found: Finding = findings[code] ?? { step: 'protocol', advice: 'See what docs/errors.md says of the code.' }
  for (const [step, message] of SETTLED) {
    if (step === found.step) break
    checks.ok(step, message(name))
  }
  const probe = { clock: node.discovery.clock, signal }
  const tls = GARBLED.has(code) && (await speaksTls(place.host, place.port, probe))
  const advice = 'It was started with -proto_dist inet_tls, for nodes that use TLS. Start it without, or dial another.'
  const told = tls
    ? { message: `port ${place.port} speaks TLS, and this node dials without`, advice }
    : { message: reason, advice: found.advice }
  checks.add({ step: found.step, status: 'failed', ...told, code })
  return false
}

function tookOver(name: string, self: string) {
  const message = `${name} still held a link to ${self}, which this one has replaced`
  const advice =
    'If that was a node that died or hangs, all is well now. If it runs, two nodes have one name, and take the link from each other.'
  return { step: 'protocol', status: 'warning', message, advice } as const
}

function silence(name: string) {
  return { code: 'ERR_CONNECT_TIMEOUT' as const, message: `${name} did not connect within ${DIAL_PATIENCE} ms` }
}

function checkAnswer(outcome: Extract<DialOutcome, { is: 'connected' | 'lost' }>, checks: Checks): boolean {
  if (outcome.is === 'connected' && outcome.answers) {
    checks.ok('answers', 'its net_kernel answers')
    return true
  }
  const told =
    outcome.is === 'lost'
      ? {
          message: `it was connected, and the link went down again: ${outcome.reason}`,
          advice:
            'It, or one that it is connected with, cut it: look at their logs. "… in order to prevent overlapping partitions" is ' +
            '`global`, when this node is visible and does not reach all of the others.',
        }
      : {
          message: 'it is connected, but its net_kernel does not say yes',
          advice: 'It is stopped, overloaded, or a C or Java node: look at its log.',
        }
  checks.add({ step: 'answers', status: 'failed', ...told })
  return false
}
