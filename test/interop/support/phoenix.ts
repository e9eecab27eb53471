import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { vi } from 'vitest'
import type { PubSub } from '../../../src/pubsub/pubsub.ts'
import type { MessageStream } from '../../../src/pubsub/stream.ts'
import type { Term } from '../../../src/term/index.ts'
import type { OtpNode } from '../../support/otp.ts'
import { sees } from '../../support/scene.ts'

/** Whose groups: see `fixtures/pubsub/phoenix.ex`. `2.1.1` is everything since. */
export type PhoenixVersion = '2.0' | '2.1.0' | '2.1.1'

export interface PhoenixOptions {
  readonly version?: PhoenixVersion
  readonly poolSize?: number
  readonly broadcastPoolSize?: number
  readonly registrySize?: number
}

const fixtures = new URL('../fixtures/pubsub/', import.meta.url)

/**
 * A checkout of Phoenix.PubSub to test against, in place of what the fixtures make of it. Its version is the only one then.
 */
const checkout = process.env.PHOENIX_PUBSUB

/** Its version, by its `mix.exs`: `2.1.1`. */
function versionOf(folder: string): string {
  const [, version] = /@version "(\d+\.\d+\.\d+)/.exec(readFileSync(join(folder, 'mix.exs'), 'utf8')) ?? []
  if (version === undefined) throw new Error(`${folder} is no checkout of Phoenix.PubSub`)
  return version
}

const checkedOut = checkout === undefined ? undefined : versionOf(checkout)

function layoutOf(version: string): PhoenixVersion {
  return version.startsWith('2.0.') ? '2.0' : version === '2.1.0' ? '2.1.0' : '2.1.1'
}

/** The versions that tests can have peers of. */
export const phoenixVersions: readonly PhoenixVersion[] =
  checkedOut === undefined ? ['2.0', '2.1.0', '2.1.1'] : [layoutOf(checkedOut)]

/** The one that tests use where it does not matter, and where pools have any size. */
export const usualVersion: PhoenixVersion = phoenixVersions.at(-1) as PhoenixVersion

/** Whether it has pools larger than one. */
export const hasPools = usualVersion !== '2.0'

/** Whether it can listen on more groups than it broadcasts by. */
export const hasBroadcastPools = checkedOut === undefined || !/^2\.[01]\./.test(checkedOut)

/** The group of the first member of a pool, as Elixir has it. */
export const firstGroup = (name: string): string =>
  usualVersion === '2.1.0' ? `:"Elixir.${name}.Adapter_1"` : `${name}.Adapter`

/** Compiles Phoenix.PubSub, and what of channels the tests need, in a node; then pub/subs can be started in it. */
export async function loadPhoenix(elixir: OtpNode): Promise<void> {
  const library = checkout === undefined ? [readFileSync(new URL('phoenix.ex', fixtures))] : ofCheckout(checkout)
  for (const source of [...library, readFileSync(new URL('channels.ex', fixtures))]) {
    await elixir.eval('Code.compile_string(source); :ok', { bind: { Source: source }, timeout: 60_000 })
  }
  if (checkout !== undefined) {
    await elixir.eval('{:ok, scopes} = Phoenix.PubSub.Application.start(:normal, []); Process.unlink(scopes)')
  }
}

function ofCheckout(folder: string): Buffer[] {
  // In this order: each needs those before it.
  const files = ['adapter', 'supervisor', 'application', 'pg2'].map((name) => `lib/phoenix/pubsub/${name}.ex`)
  return [...files, 'lib/phoenix/pubsub.ex']
    .map((file) => join(folder, file))
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file))
}

/** Starts a pub/sub in an Elixir node. */
export async function startPubSub(elixir: OtpNode, name: string, options: PhoenixOptions = {}): Promise<void> {
  const { version = usualVersion, broadcastPoolSize, registrySize } = options
  const poolSize = hasPools ? (options.poolSize ?? 1) : 1
  await elixir.eval(`
    {:ok, supervisor} = Supervisor.start_link([{Phoenix.PubSub, name: ${name}, version: "${version}",
      pool_size: ${poolSize}, broadcast_pool_size: ${broadcastPoolSize ?? poolSize}, registry_size: ${registrySize ?? poolSize}}],
      strategy: :one_for_one, name: ${name}.Owner)
    Process.unlink(supervisor)`)
}

/** Stops a pub/sub, and with it the processes that subscribed to it: Elixir's `Registry` links them to itself. */
export async function stopPubSub(elixir: OtpNode, name: string): Promise<void> {
  await elixir.eval(`Supervisor.stop(${name}.Owner)`, { apart: true })
}

/** Waits until an Elixir node and one of ours know of each other's members: ours is in every group of theirs. */
export async function meet(pubsub: PubSub, elixir: OtpNode): Promise<void> {
  await vi.waitUntil(() => pubsub.nodes().includes(elixir.name), { timeout: 25_000, interval: 20 })
  const [local, remote] = [`node()`, `:"${pubsub.nodeName()}"`].map((node) => membersOf(pubsub.name, node))
  await sees(elixir, `${local} -- ${remote}`, '[]')
}

/** The groups of a pub/sub that a node is a member of, as an Elixir node sees it. */
export async function members(elixir: OtpNode, name: string, node: string): Promise<string[]> {
  const groups = await elixir.evalBytes(`Enum.map_join(${membersOf(name, `:"${node}"`)}, " ", &Atom.to_string/1)`)
  return groups.toString('utf8').split(' ').sort()
}

const membersOf = (name: string, node: string) => `(
  for group <- :pg.which_groups(Phoenix.PubSub),
      String.starts_with?(Atom.to_string(group), "Elixir.${name}.Adapter"),
      pid <- :pg.get_members(Phoenix.PubSub, group),
      node(pid) == ${node},
      do: group)`

/** The scope and the workers of an Elixir node: as long as they are the same, nothing we sent has hurt them. */
export async function workers(elixir: OtpNode, name: string): Promise<string> {
  const pids = `for(group <- ${membersOf(name, 'node()')}, do: Process.whereis(group))`
  return await elixir.eval(`[Process.whereis(Phoenix.PubSub) | ${pids}] |> Enum.sort()`)
}

/** The next message of the process that evaluates there. */
export async function received(elixir: OtpNode): Promise<string> {
  return await elixir.eval('receive do message -> message after 20_000 -> :nothing end', { timeout: 25_000 })
}

/** The next message of a subscription of ours. */
export async function next(stream: MessageStream): Promise<Term> {
  const late = deadline(20_000)
  try {
    const { value, done } = await Promise.race([stream.next(), late.passed])
    if (done === true) throw new Error(`the subscription to ${stream.topic} has ended`)
    return value
  } finally {
    late.cancel()
  }
}

function deadline(ms: number): { readonly passed: Promise<never>; cancel(): void } {
  let timer: NodeJS.Timeout | undefined
  const passed = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no message came within ${ms} ms`)), ms)
  })
  return { passed, cancel: () => clearTimeout(timer) }
}
