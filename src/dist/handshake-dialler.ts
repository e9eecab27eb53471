import { isLongHost, splitNodeName } from '../base/node-name.ts'
import { ConnectError } from './connect-error.ts'
import { DFLAG, expandDigest } from './flags.ts'
import {
  type Challenge,
  decodeChallenge,
  decodeChallengeAck,
  decodeStatus,
  digest,
  encodeChallengeReply,
  encodeComplement,
  encodeSendName,
  encodeStatusAnswer,
  randomChallenge,
  sameDigest,
} from './handshake-messages.ts'
import type { DialConfig, DiallerState, Identity, PhaseTable, Step } from './handshake-state.ts'
import { fail, failMalformed, isHidden, missingFlags, proceed } from './handshake-step.ts'

type Table = { [P in DiallerState['phase']]: PhaseTable<DialConfig, Extract<DiallerState, { phase: P }>> }

/**
 * Why dialling `peerName` makes no sense, known before any byte is sent: it is ourselves, or one name is long and the
 * other short, which OTP refuses on the dialling side too.
 */
export function refuseToDial(own: DialConfig['own'], peerName: string): ConnectError | undefined {
  const peer = splitNodeName(peerName)
  if (peer === undefined) {
    const reason = `${JSON.stringify(peerName)} is no node name: it must be like name@host`
    return new ConnectError('ERR_CONNECT_NAME', peerName, reason, { permanent: true })
  }
  if ('name' in own && own.name === peerName) {
    const reason = `${peerName} is this node itself`
    return new ConnectError('ERR_CONNECT_SELF', peerName, reason, { permanent: true })
  }
  const host = 'name' in own ? own.name.slice(own.name.indexOf('@') + 1) : own.host
  if (isLongHost(host) === isLongHost(peer.host)) return undefined
  const [ours, theirs] = isLongHost(host) ? ['long', 'short'] : ['short', 'long']
  const reason =
    `${peerName} has a ${theirs} name and this node a ${ours} one, and Erlang does not connect the two: ` +
    `use hosts with a dot (or an address) on both nodes, or on neither`
  return new ConnectError('ERR_CONNECT_SPLIT_NAMES', peerName, reason, { permanent: true })
}

export function startDialling(config: DialConfig): Step {
  const refusal = refuseToDial(config.own, config.peerName) ?? config.refuses?.(config.peerName)
  if (refusal !== undefined) return fail(refusal)
  const { own } = config
  const version = 'name' in own ? (config.version ?? 6) : 6
  const identity = 'name' in own ? own : { name: own.host, creation: 0 }
  return proceed({ phase: 'await-status' }, encodeSendName({ version, flags: announced(config), ...identity }))
}

/** A node that asks for a name is hidden until it has one, as OTP does it. */
function announced({ own, flags }: DialConfig): bigint {
  return 'name' in own ? flags & ~DFLAG.NAME_ME : (flags & ~DFLAG.PUBLISHED) | DFLAG.NAME_ME
}

export const diallerPhases: Table = {
  'await-status': {
    awaits: 'its status',
    peerName: ({ peerName }) => peerName,
    message: onStatus,
    closed: ({ peerName }, _state, cause) => {
      const reason =
        `${peerName} closed the connection without an answer: it is too busy, another connect of ours is ` +
        `under way there, it wants TLS, or what listens on its port is no Erlang node`
      return new ConnectError('ERR_CONNECT_CLOSED', peerName, reason, { cause })
    },
  },
  'await-challenge': {
    awaits: 'its challenge',
    peerName: ({ peerName }) => peerName,
    message: onChallenge,
    closed: ({ peerName }, _state, cause) => {
      const reason = `${peerName} closed the connection during the handshake; its log may say why`
      return new ConnectError('ERR_CONNECT_CLOSED', peerName, reason, { cause })
    },
  },
  'await-ack': {
    awaits: 'its answer to our challenge',
    peerName: ({ peerName }) => peerName,
    message: onAck,
    closed: ({ peerName }, _state, cause) => {
      // A node does not say that the cookie is wrong, it closes here; so does one that just went down or lost its network.
      if (cause !== undefined && !isReset(cause)) {
        const reason = `the connection to ${peerName} was lost during the handshake (${cause.message})`
        return new ConnectError('ERR_CONNECT_CLOSED', peerName, reason, { cause })
      }
      const reason =
        `${peerName} closed the connection when it saw our proof of the cookie, so it has another cookie: ` +
        `give both nodes the same one (cookie, or cookies for this node alone)`
      return new ConnectError('ERR_CONNECT_COOKIE', peerName, reason, { cause, permanent: true })
    },
  },
}

function onStatus(config: DialConfig, _state: DiallerState, message: Uint8Array): Step {
  const { own, peerName } = config
  const status = decodeStatus(message)
  if ('malformed' in status) return failMalformed(peerName, status)
  if (status.status === 'not_allowed') return fail(notAllowed(peerName))
  if (status.status === 'named') {
    if ('name' in own) return fail(unasked(peerName, 'gave this node a name, but it has one'))
    if (!status.name.endsWith(`@${own.host}`)) return fail(unasked(peerName, 'gave this node a name on another host'))
    const given = { name: status.name, creation: status.creation }
    return proceed({ phase: 'await-challenge', own: given, welcome: 'ok' })
  }
  if (!('name' in own)) {
    return fail(unasked(peerName, 'gave this node no name when asked for one: it is older than OTP 23, or gives none'))
  }
  switch (status.status) {
    case 'ok':
    case 'ok_simultaneous':
      return proceed({ phase: 'await-challenge', own, welcome: status.status })
    case 'alive':
      if (config.stillWanted?.() ?? true) {
        return proceed({ phase: 'await-challenge', own, welcome: 'alive' }, encodeStatusAnswer(true))
      }
      return fail(alreadyConnected(peerName), encodeStatusAnswer(false))
    case 'nok':
      return fail(simultaneous(peerName))
  }
}

function onChallenge(
  config: DialConfig,
  { own, welcome }: Extract<DiallerState, { phase: 'await-challenge' }>,
  bytes: Uint8Array,
): Step {
  const { peerName } = config
  const message = decodeChallenge(bytes)
  if ('malformed' in message) return failMalformed(peerName, message)
  if (message.name !== peerName) return fail(otherName(peerName, message.name))
  const peer = { name: peerName, flags: expandDigest(message.flags), creation: message.creation ?? 0 }
  const missing = missingFlags(config, peer)
  if (missing !== undefined) return fail(missing)
  const challenge = (config.challenge ?? randomChallenge)()
  const reply = encodeChallengeReply({
    challenge,
    digest: digest(config.cookieFor(peerName), message.challenge),
  })
  return proceed({ phase: 'await-ack', own, welcome, peer, challenge }, ...complement(config, own, message), reply)
}

/** A dialler that began with version 5 sends what did not fit, once it sees that the acceptor knows version 6. */
function complement(config: DialConfig, own: Identity, { version }: Challenge): Uint8Array[] {
  if (config.version !== 5 || version === 5) return []
  return [encodeComplement({ flags: announced(config), creation: own.creation })]
}

function onAck(
  config: DialConfig,
  { own, welcome, peer, challenge }: Extract<DiallerState, { phase: 'await-ack' }>,
  message: Uint8Array,
): Step {
  const ack = decodeChallengeAck(message)
  if ('malformed' in ack) return failMalformed(peer.name, ack)
  if (!sameDigest(ack.digest, digest(config.cookieFor(peer.name), challenge))) {
    const reason =
      `${peer.name} accepted our cookie but proved another one itself: ` +
      `it has a cookie of its own for this node; give both nodes the same`
    return fail(new ConnectError('ERR_CONNECT_COOKIE', peer.name, reason, { permanent: true }))
  }
  const result = {
    role: 'dialler',
    peerName: peer.name,
    peerCreation: peer.creation,
    peerFlags: peer.flags,
    flags: announced(config) & peer.flags,
    hidden: isHidden(peer.flags),
    ownName: own.name,
    ownCreation: own.creation,
    welcome,
  } as const
  return { state: { phase: 'over' }, actions: [{ do: 'done', result }] }
}

function notAllowed(peerName: string): ConnectError {
  const reason =
    `${peerName} does not allow this node to connect: it is missing in its allow list (net_kernel:allow/1), ` +
    `or lacks capabilities; the log of ${peerName} says which`
  return new ConnectError('ERR_CONNECT_NOT_ALLOWED', peerName, reason, { permanent: true })
}

function simultaneous(peerName: string): ConnectError {
  const reason = `${peerName} is dialling this node at the same moment, and its attempt goes first`
  return new ConnectError('ERR_CONNECT_SIMULTANEOUS', peerName, reason)
}

function alreadyConnected(peerName: string): ConnectError {
  const reason = `${peerName} is connected already`
  return new ConnectError('ERR_CONNECT_ALREADY_CONNECTED', peerName, reason)
}

function otherName(dialled: string, real: string): ConnectError {
  const reason = `the node dialled as ${dialled} calls itself ${real}: use that name for it`
  return new ConnectError('ERR_CONNECT_NAME', dialled, reason, { permanent: true })
}

function unasked(peerName: string, what: string): ConnectError {
  return new ConnectError('ERR_CONNECT_PROTOCOL', peerName, `${peerName} ${what}`, { permanent: true })
}

function isReset(error: Error): boolean {
  return 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE' || error.code === 'ECONNABORTED')
}
