import { expect, vi } from 'vitest'
import type { LocalNode } from '../../../src/node/local-node.ts'
import type { Pid, Term } from '../../../src/term/index.ts'
import type { OtpNode } from '../../support/otp.ts'
import type { Scene, TestNode } from '../../support/scene.ts'

/** A machine that is very busy still gets there. */
export const PATIENCE = { timeout: 60_000 }

/** Waits for what happens on nodes without an event. */
export async function until(check: () => void | Promise<void>): Promise<void> {
  await vi.waitFor(check, { timeout: 45_000, interval: 50 })
}

export function isOtp(node: OtpNode | LocalNode): node is OtpNode {
  return 'otp' in node
}

/** Whom a node is connected to, sorted. */
export async function peersOf(node: OtpNode | LocalNode): Promise<string[]> {
  if (!isOtp(node)) return node.nodes().sort()
  const text = await node.eval('lists:sort(nodes())', { apart: true })
  return [...text.matchAll(/'([^']+)'/g)].map((match) => match[1] as string)
}

/** Connects without wanting to stay connected, so that a split stays one. */
export async function connectOnce(from: OtpNode | LocalNode, to: { readonly name: string }): Promise<void> {
  if (isOtp(from)) expect(await from.eval(`net_kernel:connect_node('${to.name}')`, { apart: true })).toBe('true')
  else expect(await from.ping(to.name, { timeout: 20_000 })).toBe('pong')
}

/** Waits until the nodes are connected to each other and to nobody else, and know the same names. */
export async function meshed(...nodes: readonly (OtpNode | LocalNode)[]): Promise<void> {
  for (const node of nodes) {
    const others = nodes.filter((it) => it !== node).map(({ name }) => name)
    await until(async () => expect(await peersOf(node), node.name).toEqual(others.sort()))
  }
  for (const node of nodes) await synced(node)
}

/** `global:sync/0` on a node, which must come back. */
export async function synced(node: OtpNode | LocalNode): Promise<void> {
  if (isOtp(node)) expect(await node.eval('global:sync()', { apart: true })).toBe('ok')
  else await node.global.sync({ timeout: 20_000 })
}

/** Starts nodes of both kinds; all connect to the first, which is a BEAM node if there is one. */
export async function startCluster(
  scene: Scene,
  { otp, ours, names = {} }: { otp: number; ours: number; names?: { readonly otp?: string; readonly ours?: string } },
): Promise<{ otp: OtpNode[]; ours: TestNode[] }> {
  const beams = await Promise.all(
    Array.from({ length: otp }, () => scene.erl({ name: scene.name(names.otp ?? 'erl') })),
  )
  const nodes: TestNode[] = []
  for (let i = 0; i < ours; i++) nodes.push(await scene.node({ name: scene.name(names.ours ?? 'ts'), visible: true }))
  const [first, ...rest] = [...beams, ...nodes] as [OtpNode | TestNode, ...(OtpNode | TestNode)[]]
  for (const node of rest) await connectOnce(node, first)
  await meshed(first, ...rest)
  return { otp: beams, ours: nodes }
}

/** Text by which the same pid is known to be the same on any node. */
export function pidText(pid: Pid | undefined): string {
  return pid === undefined ? 'undefined' : `${pid.node} ${pid.id} ${pid.serial}`
}

/** Who has a global name to a node; an atom for BEAM nodes and us alike. */
export async function whereis(node: OtpNode | LocalNode, name: Term & { readonly name: string }): Promise<string> {
  if (!isOtp(node)) return pidText(node.global.whereisName(name))
  // NEW_PID_EXT: 131, 88, the node as an atom, then id, serial and creation.
  const expression =
    `case global:whereis_name('${name.name}') of undefined -> "undefined"; ` +
    'P -> B = term_to_binary(P), N = byte_size(B) - 12, <<_:N/binary, I:32, S:32, _:32>> = B, ' +
    'lists:flatten(io_lib:format("~s ~w ~w", [node(P), I, S])) end'
  return JSON.parse(await node.eval(expression, { apart: true })) as string
}
