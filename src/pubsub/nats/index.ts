export { NatsError, type NatsErrorReason } from '../engines/nats/nats-error.ts'
export { type NatsOptions, nats } from '../engines/nats.ts'
