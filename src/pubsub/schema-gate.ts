import type { StandardResult, StandardSchemaV1 } from '../node/rpc/standard-schema.ts'
import type { Term } from '../term/index.ts'
import type { Delivery } from './delivery.ts'
import { MessageError } from './message-error.ts'
import type { Subscription } from './subscription.ts'

/** Messages of one subscription whose validation takes its time. */
const MAX_PENDING = 1024

/**
 * Lets only messages through to a subscription that a schema accepts, as the schema made them. Those that it refuses are
 * lost, and told of. Order holds also when the schema is asynchronous.
 */
export class SchemaGate {
  readonly #schema: StandardSchemaV1
  #pending = 0
  #last: Promise<void> = Promise.resolve()

  constructor(schema: StandardSchemaV1) {
    this.#schema = schema
  }

  take(subscription: Subscription, delivery: Delivery, bytes: number): void {
    let result: StandardResult<unknown> | Promise<StandardResult<unknown>>
    try {
      result = this.#schema['~standard'].validate(delivery.message)
    } catch (error) {
      return refuse(subscription, delivery, error)
    }
    if (!(result instanceof Promise)) {
      if (this.#pending === 0) return settle(subscription, delivery, bytes, result)
      result = Promise.resolve(result)
    }
    if (this.#pending >= MAX_PENDING) {
      // Whoever looks at it no more must not hear of it as unhandled.
      result.catch(() => {})
      return subscription.drop('slow-subscriber')
    }
    this.#pending++
    this.#last = this.#inTurn(
      this.#last,
      result,
      (settled) => settle(subscription, delivery, bytes, settled),
      (error) => refuse(subscription, delivery, error),
    )
  }

  async #inTurn(
    before: Promise<void>,
    result: Promise<StandardResult<unknown>>,
    done: (result: StandardResult<unknown>) => void,
    failed: (error: unknown) => void,
  ): Promise<void> {
    const outcome = await result.then(
      (value) => () => done(value),
      (error: unknown) => () => failed(error),
    )
    await before
    outcome()
    this.#pending--
  }
}

function settle(subscription: Subscription, delivery: Delivery, bytes: number, result: StandardResult<unknown>): void {
  if (subscription.closed) return
  if (result.issues !== undefined)
    return refuse(subscription, delivery, new MessageError(delivery.topic, result.issues))
  const message = result.value as Term
  subscription.receive(message === delivery.message ? delivery : { ...delivery, message }, bytes)
}

function refuse(subscription: Subscription, { topic, node }: Delivery, error: unknown): void {
  if (!subscription.closed) subscription.drop('invalid', { topic, error, ...(node === undefined ? {} : { node }) })
}
