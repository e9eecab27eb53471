export { NatsError, type NatsErrorReason } from '../../nats/nats-error.ts'
export { type NatsStoreOptions, nats } from '../engines/nats.ts'
