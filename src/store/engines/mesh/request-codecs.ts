import type { LeaseVerdict, RefusalCode, Request } from '../../replication/messages.ts'
import type { MessageCodecs } from './message-codec.ts'
import { packOperation, unpackOperation } from './pack-log.ts'
import { PackError, type Packer, type Unpacker } from './packer.ts'

const codes: readonly RefusalCode[] = [
  'ERR_NO_QUORUM',
  'ERR_STORE_REFUSED',
  'ERR_COMPUTE_TIMEOUT',
  'ERR_LIMIT',
  'ERR_STORE_DISK',
]

/** What nodes ask of their loader, and its answers. */
export const requestCodecs: MessageCodecs<
  'submit' | 'refused' | 'lease-request' | 'lease-answer' | 'lease-end' | 'lease-lost'
> = {
  submit: {
    pack: (to, { requests }) => to.list(requests, (request) => packRequest(to, request)),
    unpack: (from) => ({ requests: from.list(() => unpackRequest(from)) }),
  },
  refused: {
    pack: (to, { request, code, message }) => {
      to.integer(request)
      to.u8(codes.indexOf(code))
      to.text(message)
    },
    unpack: (from) => {
      const request = from.integer()
      const code = codes[from.u8()]
      if (code === undefined) throw new PackError('an unknown code')
      return { request, code, message: from.text() }
    },
  },
  'lease-request': {
    pack: (to, { request, key, hold, newerThan, wait }) => {
      to.integer(request)
      to.text(key)
      to.integer(hold)
      to.maybe(newerThan, (version) => to.version(version))
      to.flag(wait)
    },
    unpack: (from) => ({
      request: from.integer(),
      key: from.key(),
      hold: from.integer(),
      newerThan: from.maybe(() => from.version()),
      wait: from.flag(),
    }),
  },
  'lease-answer': {
    pack: (to, { request, answer }) => {
      to.integer(request)
      packVerdict(to, answer)
    },
    unpack: (from) => ({ request: from.integer(), answer: unpackVerdict(from) }),
  },
  'lease-end': {
    pack: (to, { request, failure }) => {
      to.integer(request)
      to.maybe(failure, (message) => to.text(message))
    },
    unpack: (from) => ({ request: from.integer(), failure: from.maybe(() => from.text()) }),
  },
  'lease-lost': {
    pack: (to, { request }) => to.integer(request),
    unpack: (from) => ({ request: from.integer() }),
  },
}

function packRequest(to: Packer, { client, request, floor, lease, all, operation }: Request): void {
  to.name(client)
  to.integer(request)
  to.integer(floor)
  to.optional(lease)
  to.flag(all)
  packOperation(to, operation)
}

function unpackRequest(from: Unpacker): Request {
  const client = from.name()
  const request = from.integer()
  const floor = from.integer()
  const lease = from.optional()
  const all = from.flag()
  const operation = unpackOperation(from)
  // The others are the loader's own.
  if (operation.kind !== 'write' || client === '') throw new PackError('no request')
  return { client, request, floor, lease, all, operation }
}

function packVerdict(to: Packer, verdict: LeaseVerdict): void {
  switch (verdict.kind) {
    case 'granted':
      to.u8(0)
      return to.maybe(verdict.expected === 'absent' ? undefined : verdict.expected, (version) => to.version(version))
    case 'held':
      return to.u8(1)
    case 'value':
      to.u8(2)
      return to.version(verdict.version)
    case 'failed':
      to.u8(3)
      to.text(verdict.message)
      return to.name(verdict.node)
  }
}

function unpackVerdict(from: Unpacker): LeaseVerdict {
  switch (from.u8()) {
    case 0:
      return { kind: 'granted', expected: from.maybe(() => from.version()) ?? 'absent' }
    case 1:
      return { kind: 'held' }
    case 2:
      return { kind: 'value', version: from.version() }
    case 3:
      return { kind: 'failed', message: from.text(), node: from.name() }
    default:
      throw new PackError('an unknown answer')
  }
}
