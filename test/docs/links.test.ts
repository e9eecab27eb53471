import { existsSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'
import { slug } from '../../docs/.vitepress/slug.ts'
import { pages, read, top } from './pages.ts'

/** The anchors of a page, as GitHub and the site make them of its headings. */
function anchorsOf(page: string): Set<string> {
  const [, included] = /^<!--@include: \.\.\/(\S+)-->$/m.exec(read(page)) ?? []
  const headings = prose(included ?? page).matchAll(/^#{1,6} (.*)$/gm)
  return new Set(
    Array.from(headings, ([, heading]) => slug((heading as string).replace(/\[([^\]]*)\]\([^)]*\)/g, '$1'))),
  )
}

/** A page without its blocks of code. */
function prose(page: string): string {
  return read(page).replace(/^(\s*)```[\s\S]*?^\1```$/gm, '')
}

describe('the pages', () => {
  it('link only to what is there', () => {
    const dead: string[] = []
    for (const page of [...pages, 'CHANGELOG.md']) {
      for (const [, href = ''] of prose(page)
        .replace(/`[^`]*`/g, '')
        .matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^https?:/.test(href)) continue
        const [path = '', anchor] = href.split('#')
        const target = path === '' ? page : normalize(join(dirname(page), path))
        // Made with the site.
        if (target.startsWith('docs/api/')) continue
        if (!existsSync(join(top, target))) dead.push(`${page}: ${href}`)
        else if (anchor !== undefined && target.endsWith('.md') && !anchorsOf(target).has(anchor))
          dead.push(`${page}: ${href}`)
      }
    }
    expect(dead).toEqual([])
  })

  it('are all in the sidebar of the site', () => {
    const config = read('docs/.vitepress/config.ts')
    const names = pages.flatMap((page) => /^docs\/(.*)\.md$/.exec(page)?.[1] ?? [])
    const links = names.map((name) => `link: '/${name === 'index' ? '' : name}'`)
    expect(links.filter((link) => !config.includes(link))).toEqual([])
  })
})
