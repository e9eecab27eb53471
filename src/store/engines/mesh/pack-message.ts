import type { Message } from '../../replication/messages.ts'
import type { ValueReader } from '../../replication/stored-entry.ts'
import { flowCodecs } from './flow-codecs.ts'
import type { MessageCodec, MessageCodecs } from './message-codec.ts'
import { PackError, Packer, Unpacker } from './packer.ts'
import { requestCodecs } from './request-codecs.ts'
import { voterCodecs } from './voter-codecs.ts'

/** A message begins with the place of its kind in this list. */
const kinds = [
  'hello',
  'append',
  'appended',
  'vote-request',
  'vote',
  'recover',
  'recovered',
  'hand-over',
  'snapshot',
  'snapshot-received',
  'join',
  'leave',
  'offer-wanted',
  'offer',
  'offer-received',
  'merged',
  'submit',
  'refused',
  'lease-request',
  'lease-answer',
  'lease-end',
  'lease-lost',
  'bye',
] as const satisfies readonly Message['kind'][]

const codecs: MessageCodecs<Message['kind']> = { ...voterCodecs, ...flowCodecs, ...requestCodecs }

/** A message as bytes. */
export function packMessage(message: Message): Buffer {
  const { kind } = message
  const to = new Packer(kind === 'snapshot' || kind === 'offer' ? 65_536 : 512)
  to.u8(kinds.indexOf(kind))
  const codec = codecs[kind] as MessageCodec<Message>
  codec.pack(to, message)
  return to.finish()
}

/** @throws PackError for what is no message */
export function unpackMessage(bytes: Uint8Array, reader: ValueReader): Message {
  const from = new Unpacker(bytes)
  const kind = kinds[from.u8()]
  if (kind === undefined) throw new PackError('an unknown message')
  const codec = codecs[kind] as MessageCodec<Message>
  const message = { kind, ...codec.unpack(from, reader) } as Message
  from.finish()
  return message
}
