import type { ErrorCode } from '../../base/errors.ts'
import type { LocalNode } from '../../node/local-node.ts'
import { type Finding, findings } from './advice.ts'
import type { Check, Checks, Step } from './check.ts'
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

/** What comes of speaking TLS to a port that does not. */
const GARBLED_OVER_TLS = new Set<ErrorCode>(['ERR_CONNECT_TIMEOUT', 'ERR_CONNECT_TLS', 'ERR_CONNECT_TLS_PLAIN'])

/** Days before its end from which on a certificate is worth a warning. */
const EXPIRES_SOON = 30

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
      if (step !== 'protocol') checks.ok(step, message(name))
      else if (welcome === 'alive' && !had) checks.add(tookOver(name, node.name))
      else checks.add(spoken(node, name, message(name)))
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
  const garbled = (node.secure ? GARBLED_OVER_TLS : GARBLED).has(code)
  const differs = garbled && (await speaksTls(place.host, place.port, probe)) !== node.secure
  const told = differs ? otherCarrier(node, place.port) : { message: reason, advice: found.advice }
  checks.add({ step: found.step, status: 'failed', ...told, code })
  return false
}

/** The protocol, and what carries it. */
function spoken(node: LocalNode, name: string, message: string): Check {
  const tls = node.links().find((link) => link.node === name)?.tls
  if (tls === undefined) return { step: 'protocol', status: 'ok', message }
  const over = `${message}, over ${tls.protocol} (${tls.cipher})`
  const certificates = [...(tls.peer === undefined ? [] : [{ ...tls.peer, of: name }]), ...node.certificates()]
  const [next] = certificates.sort((a, b) => a.expires - b.expires)
  if (next === undefined) return { step: 'protocol', status: 'ok', message: over }
  const days = Math.floor((next.expires - Date.now()) / 86_400_000)
  const whose =
    'of' in next ? 'its certificate' : next.use === 'authority' ? 'an authority here' : 'the certificate here'
  const until = `${over}; ${whose}, ${next.subject}, expires on ${new Date(next.expires).toISOString()}`
  if (days > EXPIRES_SOON) return { step: 'protocol', status: 'ok', message: until }
  const advice = 'Renew it: links that are up stay, but none comes up again. Files are read again when they change.'
  return { step: 'protocol', status: 'warning', message: until, advice }
}

function otherCarrier(node: LocalNode, port: number): { readonly message: string; readonly advice: string } {
  if (!node.secure) {
    const advice =
      'It was started with -proto_dist inet_tls, for nodes that use TLS. Dial it with TLS (`tls`), or start it without.'
    return { message: `port ${port} speaks TLS, and this node dials without`, advice }
  }
  const advice =
    'Start it with -proto_dist inet_tls, or dial without TLS. If it is stopped or overloaded, it says nothing either.'
  return { message: `port ${port} does not answer in TLS, and this node dials with it`, advice }
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
