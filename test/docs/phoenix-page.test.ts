/** docs/phoenix.md: the service beside a node of Elixir, and what the page does with both, in its order. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { loadPhoenix, startPubSub } from '../interop/support/phoenix.ts'
import { startNodeProcess } from '../support/child.ts'
import { describeOtp } from '../support/releases.ts'
import { Scene, sees } from '../support/scene.ts'
import { blocksOf, top } from './pages.ts'
import { Programs, programOf } from './type-script.ts'

const page = 'docs/phoenix.md'
const blocks = blocksOf(page)
const elixirBlock = (start: string): string => {
  const block = blocks.find(({ language, text }) => language === 'elixir' && text.startsWith(start))
  expect(block, start).toBeDefined()
  return block?.text ?? ''
}

describeOtp(
  page,
  (release) => {
    it('holds what it says', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'tsunagi-phoenix-'))
      try {
        await using scene = await Scene.open(release)
        const elixir = await scene.elixir()
        await loadPhoenix(elixir)
        await startPubSub(elixir, 'MyApp.PubSub')
        const env = { ERL_EPMD_PORT: String(scene.epmdPort), TSUNAGI_COOKIE: 'secret' }

        // Ten lines.
        mkdirSync(join(folder, 'node_modules'))
        symlinkSync(top, join(folder, 'node_modules/tsunagi'))
        writeFileSync(join(folder, 'service.mjs'), blocks.find(({ file }) => file === 'service.mjs')?.text ?? '')
        const NAME = scene.name('service')
        await using service = startNodeProcess(['service.mjs'], {
          cwd: folder,
          env: { ...env, APP: elixir.name, NAME },
        })
        await service.waitForOutput(new RegExp(`^${elixir.name} is there$`))
        await sees(elixir, `:pg.get_members(Phoenix.PubSub, MyApp.PubSub.Adapter) |> length()`, '2')
        await elixir.eval(elixirBlock('renderer =').replaceAll('service@127.0.0.1', NAME))
        await elixir.waitForOutput(/^<h1>Invoice 42<\/h1>$/)
        await service.waitForOutput(/^heard \{order_paid,42\}$/)

        // Calls, topics and channels.
        await elixir.eval(`${elixirBlock('defmodule MyApp.Stock').replace('{:ok, _} =', '{:ok, supervisor} =')}
          Process.unlink(supervisor)`)
        const programs = new Programs(join(folder, 'programs'))
        const run = blocks.filter((block) => ['ts', 'js'].includes(block.language) && block.run)
        programs.add('run', programOf(run))
        expect(await programs.errors()).toEqual([])
        await using calls = startNodeProcess([programs.compiled('run'), elixir.name], { env, cwd: programs.folder })
        await calls.waitForOutput(/^3$/)
        await calls.waitForOutput(/^\[ 'tea', 'toast' \]$/)
        await calls.waitForOutput(/^new_msg \{ body: 'hello from Node\.js' \}$/)
        const other = await elixir.eval(
          'hd(for n <- Node.list(:hidden), String.starts_with?(to_string(n), "calls"), do: n)',
        )
        const [erpc] = elixirBlock('service =').split('#=>')
        expect(await elixir.eval((erpc ?? '').replace(/:"service@127\.0\.0\.1"/, other))).toBe('4.5')
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    })
  },
  { elixir: true },
)
