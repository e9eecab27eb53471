import { defineConfig } from 'vitepress'

export default defineConfig({
  title: 'Tsunagi',
  description: 'Node.js processes as first-class nodes of an Erlang cluster',
  cleanUrls: true,
  themeConfig: {
    // In reading order; a new page adds its line here.
    sidebar: [
      {
        text: 'Guide',
        items: [
          { text: 'What Tsunagi is', link: '/' },
          { text: 'Nodes', link: '/nodes' },
          { text: 'Finding nodes', link: '/strategies' },
          { text: 'Terms', link: '/terms' },
          { text: 'Processes', link: '/processes' },
          { text: 'Remote calls', link: '/rpc' },
          { text: 'Process groups', link: '/pg' },
          { text: 'Presence', link: '/presence' },
          { text: 'Global names', link: '/global' },
          { text: 'Publish and subscribe', link: '/pubsub' },
          { text: 'Shared values', link: '/store' },
          { text: 'Distributed functions', link: '/functions' },
          { text: 'Configuration', link: '/config' },
          { text: 'The tsunagi command', link: '/cli' },
        ],
      },
      {
        text: 'Reference',
        items: [
          { text: 'Security', link: '/security' },
          { text: 'Errors', link: '/errors' },
          { text: 'Limits', link: '/limits' },
          { text: 'Protocol support', link: '/protocol-support' },
          { text: 'Benchmarks', link: '/benchmarks' },
        ],
      },
    ],
    search: { provider: 'local' },
    outline: [2, 3],
  },
})
