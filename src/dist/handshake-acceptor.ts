import { ConnectError } from './connect-error.ts'
import { DFLAG, expandDigest } from './flags.ts'
import {
  decodeChallengeReply,
  decodeComplement,
  decodeSendName,
  decodeStatusAnswer,
  digest,
  encodeChallenge,
  encodeChallengeAck,
  encodeStatus,
  randomChallenge,
  type SendName,
  sameDigest,
} from './handshake-messages.ts'
import type { AcceptConfig, Accepted, AcceptorState, Decision, PhaseTable, Step } from './handshake-state.ts'
import { fail, failMalformed, isHidden, missingFlags, proceed } from './handshake-step.ts'

type Table = { [P in AcceptorState['phase']]: PhaseTable<AcceptConfig, Extract<AcceptorState, { phase: P }>> }

const LOWER_32 = 0xffff_ffffn

export function startAccepting(): Step {
  return proceed({ phase: 'await-name' })
}

export const acceptorPhases: Table = {
  'await-name': {
    awaits: 'its name',
    peerName: () => undefined,
    message: onName,
    closed: (_config, _state, cause) => {
      const reason = 'a peer connected and closed the connection without a word'
      return new ConnectError('ERR_CONNECT_CLOSED', undefined, reason, { cause })
    },
  },
  'await-alive-answer': {
    awaits: 'whether it wants a new connection',
    peerName: (_config, { accepted }) => accepted.peer.name,
    message: onAliveAnswer,
    closed: (_config, { accepted: { peer } }, cause) => {
      const reason = `${peer.name} gave its connect up: it learned that it is connected already`
      return new ConnectError('ERR_CONNECT_ALREADY_CONNECTED', peer.name, reason, { cause })
    },
  },
  'await-complement': {
    awaits: 'the rest of its flags',
    peerName: (_config, { accepted }) => accepted.peer.name,
    message: onComplement,
    closed: (config, { accepted }, cause) => closedAfterChallenge(config, accepted, cause),
  },
  'await-reply': {
    awaits: 'its answer to our challenge',
    peerName: (_config, { accepted }) => accepted.peer.name,
    message: onReply,
    closed: (config, { accepted }, cause) => closedAfterChallenge(config, accepted, cause),
  },
}

function closedAfterChallenge({ own }: AcceptConfig, { peer }: Accepted, cause: Error | undefined): ConnectError {
  const reason =
    `${peer.name} closed the connection when it learned our name: it dialled this node as something else than ` +
    `${own.name}, this node lacks capabilities it needs, or its own connect was overtaken by ours`
  return new ConnectError('ERR_CONNECT_CLOSED', peer.name, reason, { cause })
}

function onName(config: AcceptConfig, _state: AcceptorState, bytes: Uint8Array): Step {
  const message = decodeSendName(bytes)
  if ('malformed' in message) return failMalformed(undefined, message)
  if ((message.flags & DFLAG.NAME_ME) !== 0n) return onNameless(config, message)
  const peer = { name: message.name, flags: expandDigest(message.flags), creation: message.creation ?? 0 }
  if (peer.name === config.own.name) {
    const reason = `a peer calls itself ${peer.name}, as this node does: two nodes have the same name`
    const error = new ConnectError('ERR_CONNECT_SELF', peer.name, reason, { permanent: true })
    return fail(error, encodeStatus({ status: 'not_allowed' }))
  }
  const missing = missingFlags(config, peer, message.version === 5 ? LOWER_32 : ~0n)
  if (missing !== undefined) return fail(missing, encodeStatus({ status: 'not_allowed' }))
  const refusal = config.refuses?.(peer.name)
  if (refusal !== undefined) return fail(refusal, encodeStatus({ status: 'not_allowed' }))
  const { creation } = message
  const decision = config.decide(peer.name, { flags: peer.flags, creation, hidden: isHidden(peer.flags) })
  const accepted = {
    peer,
    version: message.version,
    ownFlags: config.flags & ~DFLAG.NAME_ME,
    replaces: decision === 'alive',
  }
  switch (decision) {
    case 'ok':
    case 'ok_simultaneous':
      return challengePeer(config, accepted, encodeStatus({ status: decision }))
    case 'alive':
      return proceed({ phase: 'await-alive-answer', accepted }, encodeStatus({ status: 'alive' }))
    case 'busy':
      return fail(refusals.busy(peer.name))
    case 'nok':
    case 'not_allowed':
      return fail(refusals[decision](peer.name), encodeStatus({ status: decision }))
  }
}

/** A dialler that asks for a name: it sent only its host. */
function onNameless(config: AcceptConfig, { name: host, flags, version }: SendName): Step {
  const identity = config.nameFor?.(host)
  if (identity === undefined) {
    const reason = `a node on ${host} asked for a name, and this node gives none`
    const error = new ConnectError('ERR_CONNECT_NOT_ALLOWED', undefined, reason, { permanent: true })
    return fail(error, encodeStatus({ status: 'not_allowed' }))
  }
  const peer = { flags: expandDigest(flags), ...identity }
  const missing = config.refuses?.(peer.name) ?? missingFlags(config, peer)
  if (missing !== undefined) return fail(missing, encodeStatus({ status: 'not_allowed' }))
  // As OTP does: towards a nameless node NAME_ME takes the place of PUBLISHED.
  const ownFlags = (config.flags & ~DFLAG.PUBLISHED) | DFLAG.NAME_ME
  return challengePeer(
    config,
    { peer, version, ownFlags, replaces: false },
    encodeStatus({ status: 'named', ...identity }),
  )
}

function onAliveAnswer(
  config: AcceptConfig,
  { accepted }: Extract<AcceptorState, { phase: 'await-alive-answer' }>,
  message: Uint8Array,
): Step {
  const { name } = accepted.peer
  const answer = decodeStatusAnswer(message)
  if ('malformed' in answer) return failMalformed(name, answer)
  if (answer.goOn) return challengePeer(config, accepted)
  const reason = `${name} gave its connect up: it is connected already`
  return fail(new ConnectError('ERR_CONNECT_ALREADY_CONNECTED', name, reason))
}

function challengePeer(config: AcceptConfig, accepted: Accepted, ...before: readonly Uint8Array[]): Step {
  const challenge = (config.challenge ?? randomChallenge)()
  const { ownFlags, peer, version } = accepted
  // Version 5 was also spoken by nodes that know 6 but not whether we do; they announce it and send the rest afterwards.
  const answerVersion = version === 5 && (peer.flags & DFLAG.HANDSHAKE_23) === 0n ? 5 : 6
  const message = encodeChallenge({ version: answerVersion, flags: ownFlags, challenge, ...config.own })
  const phase = version < answerVersion ? 'await-complement' : 'await-reply'
  return proceed({ phase, accepted, challenge }, ...before, message)
}

function onComplement(
  config: AcceptConfig,
  { accepted, challenge }: Extract<AcceptorState, { phase: 'await-complement' }>,
  bytes: Uint8Array,
): Step {
  const message = decodeComplement(bytes)
  if ('malformed' in message) return failMalformed(accepted.peer.name, message)
  const { creation } = message
  const peer = { ...accepted.peer, flags: accepted.peer.flags | message.flags, creation }
  const missing = missingFlags(config, peer)
  if (missing !== undefined) return fail(missing, encodeStatus({ status: 'not_allowed' }))
  return proceed({ phase: 'await-reply', accepted: { ...accepted, peer }, challenge })
}

function onReply(
  config: AcceptConfig,
  { accepted, challenge }: Extract<AcceptorState, { phase: 'await-reply' }>,
  message: Uint8Array,
): Step {
  const { peer, ownFlags, replaces } = accepted
  const reply = decodeChallengeReply(message)
  if ('malformed' in reply) return failMalformed(peer.name, reply)
  const cookie = config.cookieFor(peer.name)
  if (!sameDigest(reply.digest, digest(cookie, challenge))) {
    const reason = `${peer.name} tried to connect with another cookie: give both nodes the same one`
    return fail(new ConnectError('ERR_CONNECT_COOKIE', peer.name, reason, { permanent: true }))
  }
  const result = {
    role: 'acceptor',
    peerName: peer.name,
    peerCreation: peer.creation,
    peerFlags: peer.flags,
    flags: ownFlags & peer.flags,
    hidden: isHidden(peer.flags),
    ownName: config.own.name,
    ownCreation: config.own.creation,
  } as const
  const ack = encodeChallengeAck(digest(cookie, reply.challenge))
  return {
    state: { phase: 'over' },
    actions: [
      ...(replaces ? ([{ do: 'replace', peerName: peer.name }] as const) : []),
      { do: 'send', message: ack },
      { do: 'done', result },
    ],
  }
}

const refusals: Record<Extract<Decision, 'nok' | 'busy' | 'not_allowed'>, (peerName: string) => ConnectError> = {
  nok: (peerName) => {
    const reason = `${peerName} dialled this node at the same moment as this node dialled it; our attempt goes first`
    return new ConnectError('ERR_CONNECT_SIMULTANEOUS', peerName, reason)
  },
  busy: (peerName) => {
    const reason = `${peerName} dialled this node while an earlier attempt of it is about to replace the old connection`
    return new ConnectError('ERR_CONNECT_ALREADY_CONNECTED', peerName, reason)
  },
  not_allowed: (peerName) => {
    const reason = `${peerName} may not connect to this node: its allow list does not have it`
    return new ConnectError('ERR_CONNECT_NOT_ALLOWED', peerName, reason, { permanent: true })
  },
}
