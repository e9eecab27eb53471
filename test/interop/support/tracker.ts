import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { OtpNode } from '../../support/otp.ts'
import { loadPhoenix } from './phoenix.ts'

const fixtures = new URL('../fixtures/presence/', import.meta.url)

/** A checkout of Phoenix.PubSub, whose tracker is tested against in place of the fixture's. */
const checkout = process.env.PHOENIX_PUBSUB

/** Milliseconds; the same on both sides. */
export interface Times {
  readonly broadcastPeriod: number
  readonly maxSilentPeriods: number
  readonly downPeriod: number
  readonly permdownPeriod: number
}

/** Short beats, and nobody is down however busy the machine is. */
export const times: Times = { broadcastPeriod: 100, maxSilentPeriods: 5, downPeriod: 60_000, permdownPeriod: 120_000 }
/** Who is silent is soon down. */
export const shortTimes: Times = { ...times, downPeriod: 3000, permdownPeriod: 6000 }

/** Compiles Phoenix.PubSub and Phoenix.Tracker in a node; then trackers can be started in it. */
export async function loadTracker(elixir: OtpNode): Promise<void> {
  await loadPhoenix(elixir)
  const library = checkout === undefined ? [readFileSync(new URL('tracker.ex', fixtures))] : ofCheckout(checkout)
  for (const source of [...library, readFileSync(new URL('spy.ex', fixtures))]) {
    await elixir.eval('Code.compile_string(source); :ok', { bind: { Source: source }, timeout: 60_000 })
  }
}

function ofCheckout(folder: string): Buffer[] {
  // In this order: each needs those before it.
  const files = ['clock', 'state', 'replica', 'delta_generation', 'shard', 'shutdown_handler'].map(
    (name) => `lib/phoenix/tracker/${name}.ex`,
  )
  return [...files, 'lib/phoenix/tracker.ex']
    .map((file) => join(folder, file))
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file))
}

/** Starts a tracker in an Elixir node. Its diffs go to the process that evaluates. */
export async function startTracker(
  elixir: OtpNode,
  name: string,
  pubsub: string,
  {
    poolSize = 1,
    broadcastPeriod,
    maxSilentPeriods,
    downPeriod,
    permdownPeriod,
  }: Times & { readonly poolSize?: number },
): Promise<void> {
  await elixir.eval(`Spy.start(${name}, ${pubsub}, pool_size: ${poolSize}, broadcast_period: ${broadcastPeriod},
    max_silent_periods: ${maxSilentPeriods}, down_period: ${downPeriod}, permdown_period: ${permdownPeriod})`)
}

/** The processes of a tracker's shards: as long as they are the same, nothing we sent has hurt them. */
export async function shards(elixir: OtpNode, name: string, poolSize = 1): Promise<string> {
  return await elixir.eval(`for n <- 0..${poolSize - 1}, do: Process.whereis(:"#{${name}}_shard#{n}")`)
}
