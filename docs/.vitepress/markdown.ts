import type { MarkdownRenderer } from 'vitepress'

/** Files at the top of the repository that are pages of the site. */
const pages: Readonly<Record<string, string>> = {
  'SECURITY.md': 'reporting.md',
  'CONTRIBUTING.md': 'contributing.md',
  'CHANGELOG.md': 'changelog.md',
}

/**
 * Links are written for people who read the repository. On the site those to pages, from wherever, become links to pages;
 * those to other files, such as examples, lead to the repository, or are plain text where its address is not known.
 */
export function outsideLinks(md: MarkdownRenderer, repository: string | undefined): void {
  md.core.ruler.push('outside-links', ({ tokens }) => {
    for (const { children } of tokens) {
      // An opening link ends with the next closing one: links do not nest.
      let lost = false
      for (const token of children ?? []) {
        if (token.type === 'link_open') {
          const href = siteLink(token.attrGet('href') ?? '', repository)
          lost = href === undefined
          if (href !== undefined) token.attrSet('href', href)
        }
        if (lost && (token.type === 'link_open' || token.type === 'link_close')) {
          lost = token.type === 'link_open'
          token.tag = 'span'
          token.attrs = null
        }
      }
    }
  })
}

function siteLink(href: string, repository: string | undefined): string | undefined {
  if (/^([a-z]+:|#|\/)/.test(href)) return href
  const [path = '', hash = ''] = href.split(/(?=#)/)
  const own = path.replace(/^(\.\.?\/)+/, '')
  if (own.startsWith('docs/')) return `./${own.slice('docs/'.length)}${hash}`
  if (own in pages) return `./${pages[own]}${hash}`
  const outside = path.startsWith('../') || /^(examples|src|test|bench|scripts|\.ci)\//.test(own)
  if (!outside) return href
  return repository === undefined ? undefined : `${repository}/blob/main/${own}${hash}`
}

/** Inline code: Erlang's `{{a, b}, c}` is not for Vue to fill in, and long paths and names may be broken at their joints. */
export function plainCode(md: MarkdownRenderer): void {
  md.renderer.rules.code_inline = (tokens, index) => {
    const text = md.utils.escapeHtml(tokens[index]?.content ?? '')
    return `<code v-pre>${text.replace(/[/_](?=\w)/g, '$&<wbr>')}</code>`
  }
}
