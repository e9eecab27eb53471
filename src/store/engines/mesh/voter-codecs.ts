import type { Vote } from '../../replication/messages.ts'
import { type MessageCodecs, packEpoch, unpackEpoch } from './message-codec.ts'
import { PackError, type Packer, type Unpacker } from './packer.ts'

const HIGHEST_EPOCH = 2 ** 48

/** Who is there, who leads, and who has lost what it knew. */
export const voterCodecs: MessageCodecs<
  'hello' | 'vote-request' | 'vote' | 'recover' | 'recovered' | 'hand-over' | 'bye'
> = {
  hello: {
    pack: (to, message) => {
      to.text(message.setup)
      to.name(message.client)
      to.integer(message.born)
      to.flag(message.established)
      to.flag(message.leads)
      to.integer(message.highest)
      to.flag(message.answer)
    },
    unpack: (from) => ({
      setup: from.text(),
      client: from.name(),
      born: from.integer(),
      established: from.flag(),
      leads: from.flag(),
      highest: unpackHighest(from),
      answer: from.flag(),
    }),
  },
  'vote-request': {
    pack: (to, { epoch, last, trial, handedOver }) => {
      packEpoch(to, epoch)
      to.version(last)
      to.flag(trial)
      to.maybe(handedOver, (epoch) => packEpoch(to, epoch))
    },
    unpack: (from) => ({
      epoch: unpackEpoch(from),
      last: from.version(),
      trial: from.flag(),
      handedOver: from.maybe(() => unpackEpoch(from)),
    }),
  },
  vote: {
    pack: (to, message) => {
      packEpoch(to, message.epoch)
      to.flag(message.trial)
      to.flag(message.granted)
      packEpoch(to, message.promised)
      to.flag(message.restored)
      to.integer(message.incarnation)
      packIncarnations(to, message.incarnations)
    },
    unpack: (from) => ({
      epoch: unpackEpoch(from),
      trial: from.flag(),
      granted: from.flag(),
      promised: unpackEpoch(from),
      restored: from.flag(),
      incarnation: from.integer(),
      incarnations: unpackIncarnations(from),
    }),
  },
  recover: {
    pack: (to, { incarnation }) => to.integer(incarnation),
    unpack: (from) => ({ incarnation: from.integer() }),
  },
  recovered: {
    pack: (to, message) => {
      to.integer(message.incarnation)
      to.integer(message.known)
      packEpoch(to, message.promised)
      to.flag(message.restored)
      packIncarnations(to, message.incarnations)
      to.maybe(message.leads, (version) => to.version(version))
    },
    unpack: (from) => ({
      incarnation: from.integer(),
      known: from.integer(),
      promised: unpackEpoch(from),
      restored: from.flag(),
      incarnations: unpackIncarnations(from),
      leads: from.maybe(() => from.version()),
    }),
  },
  'hand-over': {
    pack: (to, { epoch }) => packEpoch(to, epoch),
    unpack: (from) => ({ epoch: unpackEpoch(from) }),
  },
  bye: { pack: () => {}, unpack: () => ({}) },
}

function unpackHighest(from: Unpacker): number {
  const highest = from.integer()
  if (highest > HIGHEST_EPOCH) throw new PackError('an epoch is too high')
  return highest
}

function packIncarnations(to: Packer, incarnations: Vote['incarnations']): void {
  to.list(incarnations, ([voter, incarnation]) => {
    to.name(voter)
    to.integer(incarnation)
  })
}

function unpackIncarnations(from: Unpacker): [string, number][] {
  return from.list((): [string, number] => [from.name(), from.integer()])
}
