import { fileURLToPath } from 'node:url'
import { startNodeProcess } from '../../support/child.ts'
import type { OsProcess } from '../../support/os-process.ts'
import type { Scene } from '../../support/scene.ts'

const fixture = fileURLToPath(new URL('../fixtures/node.mjs', import.meta.url))

/** One of our nodes (as built) in a process of its own, with an `echo` and a `silent` server; see `fixtures/node.mjs`. */
export async function nodeProcess(scene: Scene, name: string, options: object = {}): Promise<OsProcess> {
  const epmd = { port: scene.epmdPort, serve: false }
  const child = scene.own(startNodeProcess([fixture, JSON.stringify({ name, cookie: 'secret', epmd, ...options })]))
  await child.waitForOutput(/"event":"started"/)
  return child
}
