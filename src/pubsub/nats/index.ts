export { NatsError, type NatsErrorReason } from '../../nats/nats-error.ts'
export { type NatsOptions, nats } from '../engines/nats.ts'
