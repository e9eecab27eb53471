import { existsSync, readFileSync } from 'node:fs'
import { defineConfig } from 'vitepress'
import { outsideLinks, plainCode } from './markdown.ts'
import { slug } from './slug.ts'

/** Where the source is on the web, such as https://github.com/owner/tsunagi: with it come edit links and a link to it. */
const repository = process.env.DOCS_REPOSITORY

// In reading order; a new page adds its line here.
const sidebar = [
  {
    text: 'Start',
    items: [
      { text: 'What Tsunagi is', link: '/' },
      { text: 'First steps', link: '/first-steps' },
      { text: 'Add Node.js to your Phoenix cluster', link: '/phoenix' },
    ],
  },
  {
    text: 'Coming from',
    collapsed: true,
    items: [
      { text: 'KantanCluster', link: '/from-kantan-cluster' },
      { text: 'gen_cluster', link: '/from-gen-cluster' },
      { text: 'interconnect_nodes', link: '/from-interconnect-nodes' },
      { text: 'Barnacle', link: '/from-barnacle' },
      { text: 'Clustorage', link: '/from-clustorage' },
    ],
  },
  {
    text: 'Guide',
    items: [
      { text: 'Nodes', link: '/nodes' },
      { text: 'Finding nodes', link: '/strategies' },
      { text: 'Terms', link: '/terms' },
      { text: 'Processes', link: '/processes' },
      { text: 'Remote calls', link: '/rpc' },
      { text: 'Process groups', link: '/pg' },
      { text: 'Global names', link: '/global' },
      { text: 'Publish and subscribe', link: '/pubsub' },
      { text: 'Presence', link: '/presence' },
      { text: 'Shared values', link: '/store' },
      { text: 'Distributed functions', link: '/functions' },
    ],
  },
  {
    text: 'Running it',
    items: [
      { text: 'Configuration', link: '/config' },
      { text: 'The tsunagi command', link: '/cli' },
      { text: 'Dashboard', link: '/dashboard' },
      { text: 'Looking at a cluster', link: '/observe' },
      { text: 'Metrics', link: '/metrics' },
      { text: 'Watching a program', link: '/diagnostics' },
      { text: 'TLS', link: '/tls' },
      { text: 'Security', link: '/security' },
    ],
  },
  {
    text: 'When things fail',
    items: [
      { text: 'What happens when', link: '/failures' },
      { text: 'Errors', link: '/errors' },
      { text: 'Limits', link: '/limits' },
    ],
  },
  {
    text: 'How it is made',
    items: [
      { text: 'Architecture', link: '/architecture' },
      { text: 'Protocol support', link: '/protocol-support' },
      { text: 'Benchmarks', link: '/benchmarks' },
      { text: 'Contributing', link: '/contributing' },
      { text: 'Reporting vulnerabilities', link: '/reporting' },
      { text: 'Changelog', link: '/changelog' },
    ],
  },
  { text: 'API reference', link: '/api/' },
]

export default defineConfig({
  title: 'Tsunagi',
  description: 'Node.js processes as first-class nodes of an Erlang cluster',
  lang: 'en-GB',
  cleanUrls: true,
  // Once for all pages, not within each: there are hundreds, most of the reference.
  metaChunk: true,
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: '/icon.svg' }]],
  markdown: { anchor: { slugify: slug }, config: (md) => md.use(plainCode).use(outsideLinks, repository) },
  themeConfig: {
    logo: { light: '/logo.svg', dark: '/logo-dark.svg' },
    nav: [
      { text: 'First steps', link: '/first-steps' },
      {
        text: 'Guide',
        link: '/nodes',
        activeMatch: '^/(nodes|strategies|terms|processes|rpc|pg|global|pubsub|presence|store|functions)$',
      },
      { text: 'When things fail', link: '/failures' },
      { text: 'API', link: '/api/', activeMatch: '^/api/' },
      { text: manifest('version'), link: '/changelog' },
    ],
    sidebar: { '/': sidebar, ...apiSidebars() },
    search: { provider: 'local' },
    outline: [2, 3],
    ...(repository !== undefined && {
      editLink: { pattern: `${repository}/edit/main/docs/:path`, text: 'Edit this page' },
      socialLinks: [{ icon: 'github', link: repository }],
    }),
    footer: { message: 'MIT licence' },
  },
})

interface Entry {
  readonly text: string
  readonly link?: string
  readonly items?: readonly Entry[]
}

/** What TypeDoc wrote beside its pages; nothing while it has not run. A page shows what its own module exports, and the others. */
function apiSidebars(): Record<string, Entry[]> {
  const file = new URL('../api/typedoc-sidebar.json', import.meta.url)
  if (!existsSync(file)) return {}
  const modules: Entry[] = JSON.parse(readFileSync(file, 'utf8')).flatMap((entry: Entry) => modulesOf(entry, ''))
  const links = modules.map(({ text, link = '' }) => ({ text, link }))
  const own = modules.map(({ link = '', items = [] }): [string, Entry[]] => [
    link,
    links.map((it) => (it.link === link ? { ...it, items } : it)),
  ])
  return { '/api/': links, ...Object.fromEntries(own) }
}

/** A module, whose name is in small letters, and those within it; what they export is in groups with other names. */
function modulesOf({ text, items = [], ...entry }: Entry, parent: string): Entry[] {
  const name = `${parent}${text}`
  const isModule = (it: Entry) => /^[a-z]/.test(it.text) && it.link?.endsWith('/') === true
  const own = { ...entry, text: name, items: items.filter((it) => !isModule(it)) }
  return [own, ...items.filter(isModule).flatMap((it) => modulesOf(it, `${name}/`))]
}

function manifest(field: string): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))[field]
}
