import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { findCookie, randomCookie } from '../../src/node/cookie.ts'

let home: string

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'tsunagi-cookie-'))
  vi.stubEnv('HOME', home)
  vi.stubEnv('XDG_CONFIG_HOME', '')
  vi.stubEnv('TSUNAGI_COOKIE', '')
})

afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(home, { recursive: true })
})

function write(text: string | Buffer, mode = 0o400, ...folders: string[]): void {
  const folder = join(home, ...folders)
  mkdirSync(folder, { recursive: true })
  const path = join(folder, '.erlang.cookie')
  writeFileSync(path, text)
  chmodSync(path, mode)
}

describe('the cookie of a node', () => {
  it('is the option, before all else', async () => {
    vi.stubEnv('TSUNAGI_COOKIE', 'of_environment')
    write('of_file')
    expect(await findCookie('of_option')).toEqual({ value: 'of_option', source: 'option' })
  })

  it('is TSUNAGI_COOKIE, before the file', async () => {
    vi.stubEnv('TSUNAGI_COOKIE', 'of_environment')
    write('of_file')
    expect(await findCookie(undefined)).toEqual({ value: 'of_environment', source: 'environment' })
  })

  it.each([
    ['of_file', 'of_file'],
    ['of_file\n', 'of_file'],
    ['of_file\r\nmore', 'of_file'],
    ['  of_file ', 'of_file'],
    [Buffer.from([0x63, 0xf6, 0x6f]), 'cöo'],
  ])('is the first line of ~/.erlang.cookie: %j', async (text, value) => {
    write(text)
    expect(await findCookie(undefined)).toEqual({ value, source: 'file' })
  })

  it('is that of the XDG folder where there is none at home, by default below .config', async () => {
    write('of_config', 0o400, '.config', 'erlang')
    expect((await findCookie(undefined)).value).toBe('of_config')
    vi.stubEnv('XDG_CONFIG_HOME', join(home, 'elsewhere'))
    expect((await findCookie(undefined)).source).toBe('random')
    write('of_xdg', 0o600, 'elsewhere', 'erlang')
    expect((await findCookie(undefined)).value).toBe('of_xdg')
    write('of_home')
    expect((await findCookie(undefined)).value).toBe('of_home')
  })

  it('is a random one where there is nothing, another one each time', async () => {
    const { value, source } = await findCookie(undefined)
    expect(source).toBe('random')
    expect(value).toMatch(/^c_[\w-]{52}$/)
    expect(randomCookie()).not.toBe(value)
  })

  it('may be read by nobody else, as Erlang has it', async () => {
    for (const mode of [0o440, 0o404, 0o644, 0o410]) {
      write('5318008', mode)
      await expect(findCookie(undefined)).rejects.toMatchObject({ code: 'ERR_COOKIE_FILE', message: /chmod 400/ })
      rmSync(join(home, '.erlang.cookie'))
    }
  })

  it.each(['', '\n', '   ', '5318008\u0001'])(
    'is refused when the file has no usable one, and never shown: %j',
    async (text) => {
      write(text)
      const error = await findCookie(undefined).catch((it: unknown) => it)
      expect(error).toMatchObject({
        code: 'ERR_COOKIE_FILE',
        message: expect.stringContaining(join(home, '.erlang.cookie')),
      })
      expect(inspect(error)).not.toContain('5318008')
    },
  )

  it('is refused when the file is none', async () => {
    mkdirSync(join(home, '.erlang.cookie'))
    await expect(findCookie(undefined)).rejects.toMatchObject({ code: 'ERR_COOKIE_FILE', cause: { code: 'EISDIR' } })
  })

  it('is refused when TSUNAGI_COOKIE cannot be used, and never shown', async () => {
    vi.stubEnv('TSUNAGI_COOKIE', '5318008\t')
    const error = await findCookie(undefined).catch((it: unknown) => it)
    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', option: 'TSUNAGI_COOKIE' })
    expect(inspect(error)).not.toContain('5318008')
  })
})
