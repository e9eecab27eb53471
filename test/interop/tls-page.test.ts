import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startCommand, startNodeProcess } from '../support/child.ts'
import { type Epmd, startElixir, startEpmd, startErl } from '../support/otp.ts'
import { describeOtp } from '../support/releases.ts'

const top = new URL('../../', import.meta.url).pathname
const page = readFileSync(join(top, 'docs/tls.md'), 'utf8')

/** The first block of docs/tls.md that begins so. */
function block(language: string, start: string): string {
  const blocks = Array.from(page.matchAll(/^```(\w+)\n(.*?)^```$/gms), ([, of, text]) => ({ of, text: text as string }))
  const found = blocks.find(({ of, text }) => of === language && text.startsWith(start))
  if (found === undefined) throw new Error(`docs/tls.md has no block that begins with ${start}`)
  return found.text
}

describeOtp(
  'docs/tls.md',
  (release) => {
    let folder: string
    let epmd: Epmd

    beforeAll(async () => {
      folder = mkdtempSync(join(release.root ?? '', '/tmp/tsunagi-tls-page-'))
      execFileSync('sh', ['-ec', block('sh', 'openssl')], { cwd: folder, stdio: 'ignore' })
      writeFileSync(join(folder, 'a.mjs'), block('js', '// a.mjs'))
      writeFileSync(join(folder, 'dist.conf'), block('erlang', '%% dist.conf'))
      mkdirSync(join(folder, 'node_modules'))
      symlinkSync(top, join(folder, 'node_modules/tsunagi'))
      epmd = await startEpmd()
    })
    afterAll(async () => {
      await epmd?.[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true, force: true })
    })

    it.each(['erl', 'elixir', 'command'])('can be followed: a node of ours, and one of %s', async (other) => {
      const env = { ERL_EPMD_PORT: String(epmd.port) }
      // Paths in the option file are relative; what runs in another root directory is told where they are.
      const seen = folder.slice(release.root?.length ?? 0)
      const conf = readFileSync(join(folder, 'dist.conf'), 'utf8').replace(/"(\w+\.\w+)"/g, `"${seen}/$1"`)
      writeFileSync(join(folder, 'absolute.conf'), conf)
      const args = ['-proto_dist', 'inet_tls', '-ssl_dist_optfile', `${seen}/absolute.conf`]
      const options = { release, name: 'b@127.0.0.1', epmdPort: epmd.port, args }
      await using _ =
        other === 'command'
          ? startCommand(['start', '--name', 'b@127.0.0.1', '--cookie', 'secret', '--ssl-dist-optfile', 'dist.conf'], {
              cwd: folder,
              env,
            })
          : await (other === 'erl' ? startErl : startElixir)(options)
      await using a = startNodeProcess(['a.mjs'], { cwd: folder, env })
      expect(await a.waitForOutput(/^b@127\.0\.0\.1 TLSv/)).toBe('b@127.0.0.1 TLSv1.3')
      const guest = ['ping', 'b@127.0.0.1', '--cookie', 'secret', '--ssl-dist-optfile', 'dist.conf']
      await using ping = startCommand(guest, { cwd: folder, env })
      expect(await ping.exited).toMatchObject({ code: 0 })
    })
  },
  { elixir: true },
)
