import type { Epoch } from '../../replication/epoch.ts'
import type { Message } from '../../replication/messages.ts'
import type { ValueReader } from '../../replication/stored-entry.ts'
import { Version } from '../../version.ts'
import type { Packer, Unpacker } from './packer.ts'

/** How one kind of message is written and read. What is read throws a PackError if it makes no sense. */
export interface MessageCodec<M> {
  pack(to: Packer, message: M): void
  unpack(from: Unpacker, reader: ValueReader): Omit<M, 'kind'>
}

/** One for each of these kinds of messages. */
export type MessageCodecs<K extends Message['kind']> = {
  readonly [Kind in K]: MessageCodec<Extract<Message, { kind: Kind }>>
}

export function packEpoch(to: Packer, { epoch, loader }: Epoch): void {
  to.version(new Version(epoch, loader, 0))
}

export function unpackEpoch(from: Unpacker): Epoch {
  const { epoch, loader } = from.version()
  return { epoch, loader }
}
