import { existsSync, readFileSync } from 'node:fs'

const top = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, top), 'utf8')

/**
 * Whether a file has a test of this title: as it stands in the source, or with the placeholder of a test that runs for
 * many values filled in by one that the file, or a file it imports from its side, holds.
 */
export function isTestOf(path: string, title: string): boolean {
  if (!existsSync(new URL(path, top))) return false
  const source = read(path)
  const titles = Array.from(
    source.matchAll(/\(\s*(['"`])((?:(?!\1)[^\\\n]|\\.)+)\1,\s/g),
    ([, , text]) => text as string,
  )
  return titles.some((text) => {
    const given = text.replace(/\\(.)/g, '$1')
    if (given === title) return true
    const parts = given.split(/%[sij]|\$\{\w+\}/)
    if (parts.length !== 2) return false
    const [before, after] = parts as [string, string]
    if (!title.startsWith(before) || !title.endsWith(after) || title.length <= before.length + after.length)
      return false
    const value = title.slice(before.length, title.length - after.length)
    return [source, ...besides(path, source)].some((held) => hasWord(held, value))
  })
}

function besides(path: string, source: string): string[] {
  const folder = new URL(path, top)
  return Array.from(source.matchAll(/from '(\.\.?\/[^']+)'/g), ([, file]) => new URL(file as string, folder))
    .filter((url) => url.pathname.includes('/test/'))
    .map((url) => readFileSync(url, 'utf8'))
}

function hasWord(text: string, word: string): boolean {
  const escaped = word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`(?<!\\w)${escaped}(?!\\w)`).test(text)
}
