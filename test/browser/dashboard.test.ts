import type { Browser, Locator } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hostRelease } from '../support/releases.ts'
import { describeSkipped, describeTools } from '../support/tools.ts'
import { Stage } from './stage.ts'
import { launchBrowser, PANELS, PHONE, THEMES, Viewer, WIDE } from './viewer.ts'

const HOSTILE = '<img src=x onerror=alert(1)>'

/** Milliseconds: what the cluster does and its observer sees takes seconds on a busy machine. */
const SOON = { timeout: 45_000 }

describeTools('the dashboard in a browser', ['chromium'], () => {
  let stage: Stage
  let browser: Browser
  let viewer: Viewer

  beforeAll(async () => {
    stage = await Stage.open({
      members: ['aki', 'haru', 'natsu'],
      dashboards: { aki: { actions: true }, natsu: {} },
      texts: [HOSTILE],
    })
    browser = await launchBrowser()
    viewer = await Viewer.open(browser, stage.url('aki'))
    await viewer.goTo('')
  })

  afterAll(async () => {
    await viewer?.[Symbol.asyncDispose]()
    await browser?.close()
    await stage?.[Symbol.asyncDispose]()
  })

  /** Waits until something is to be seen. */
  async function sees(place: Locator): Promise<void> {
    await expect.poll(() => place.first().isVisible(), { ...SOON, message: String(place) }).toBe(true)
  }

  it('says in a sentence how the whole cluster stands', async () => {
    await sees(viewer.verdict.filter({ hasText: '3 nodes, fully connected' }))
    await expect.poll(() => viewer.page.title(), SOON).toBe('Overview · aki · Tsunagi')
  })

  it('shows nodes and links on a map that keys lead through, and in a list', async () => {
    await viewer.goTo('')
    const nodes = viewer.main.getByRole('group', { name: 'Map of nodes and links' }).getByRole('button')
    await expect.poll(() => nodes.count(), SOON).toBe(3)
    const haru = viewer.main.getByRole('button', { name: /: haru@127\.0\.0\.1, TypeScript .*2 links: aki, natsu/ })
    await haru.focus()
    await viewer.page.keyboard.press('Enter')
    await sees(viewer.main.getByRole('heading', { name: 'haru@127.0.0.1' }))
    expect(viewer.page.url()).toContain('?node=haru')
    await viewer.page.keyboard.press('ArrowLeft')
    await viewer.page.keyboard.press('Escape')
    await viewer.main.getByRole('heading', { name: 'haru@127.0.0.1' }).waitFor({ state: 'detached' })
    await viewer.main.getByRole('radio', { name: 'List' }).check()
    await sees(viewer.row('Nodes and whom they are linked with', 'haru').filter({ hasText: 'aki, natsu' }))
  })

  it('has a page for each node, with charts that are filled', async () => {
    await viewer.goTo('nodes')
    await viewer.row('Nodes', 'natsu').getByRole('link', { name: 'natsu' }).click()
    await sees(viewer.main.getByRole('heading', { name: 'natsu@127.0.0.1' }))
    await sees(viewer.main.getByRole('heading', { name: 'Event-loop delay, p99' }))
    await sees(viewer.main.locator('.plot canvas').first())
    await sees(viewer.main.getByText('Node.js'))
    expect(await viewer.main.locator('dt').allTextContents()).toEqual(
      expect.arrayContaining(['tsunagi', 'node', 'event loop busy', 'heap used', 'listens on']),
    )
  })

  it('shows links from both ends, sorted by what a heading says, and finds them by a filter that survives a reload', async () => {
    await viewer.goTo('links')
    const rows = viewer.page.getByRole('table', { name: 'Links' }).getByRole('rowheader')
    await expect.poll(() => rows.count(), SOON).toBe(6)
    await viewer.page.getByRole('button', { name: 'To', exact: true }).click()
    await viewer.page.getByRole('button', { name: 'To', exact: true }).click()
    expect(await viewer.page.getByRole('columnheader', { name: 'To' }).getAttribute('aria-sort')).toBe('descending')
    await viewer.page.keyboard.press('/')
    await viewer.page.keyboard.type('haru')
    await expect.poll(() => rows.count(), SOON).toBe(4)
    await viewer.page.reload()
    await expect.poll(() => rows.count(), SOON).toBe(4)
    expect(await viewer.page.getByRole('columnheader', { name: 'To' }).getAttribute('aria-sort')).toBe('descending')
    await sees(viewer.page.getByText(/\d+ msg\/s/).first())
  })

  it('shows who sees whom, and the round trips', async () => {
    await viewer.goTo('matrix')
    await sees(viewer.main.getByText('All that tell agree on who sees whom.'))
    await expect.poll(() => viewer.main.getByRole('cell', { name: 'yes' }).count(), SOON).toBe(6)
    await viewer.main.getByRole('radio', { name: 'Round trip' }).check()
    await expect.poll(() => viewer.main.getByRole('cell', { name: / ms$/ }).count(), SOON).toBe(6)
  })

  it('shows what topologies found, and refreshes and pauses them', async () => {
    await viewer.goTo('discovery')
    const card = viewer.main.getByRole('listitem', { name: 'neighbours of haru' })
    await sees(card.getByText('2 of 2 nodes found are connected'))
    await card.getByRole('button', { name: 'Refresh' }).click()
    await sees(viewer.page.locator('.notices .notice[data-level=good]'))
    await card.getByRole('button', { name: 'Pause' }).click()
    await sees(card.getByText('paused', { exact: true }))
    await card.getByRole('button', { name: 'Resume' }).click()
    await sees(card.getByText('running', { exact: true }))
  })

  it('shows processes and names of each node, by tabs', async () => {
    await viewer.goTo('processes')
    await sees(viewer.row('Processes of aki@127.0.0.1', /0/).filter({ hasText: 'clock' }))
    await viewer.page.getByRole('tab', { name: /^aki/ }).focus()
    await viewer.page.keyboard.press('ArrowRight')
    expect(await viewer.page.getByRole('tab', { name: /^haru/ }).getAttribute('aria-selected')).toBe('true')
    await sees(viewer.page.getByRole('table', { name: 'Processes of haru@127.0.0.1' }))
    await viewer.page.getByRole('searchbox').fill('clock')
    await expect
      .poll(
        () =>
          viewer.page
            .getByRole('table', { name: /^Processes of/ })
            .getByRole('rowheader')
            .count(),
        SOON,
      )
      .toBe(1)
  })

  it('shows topics, and their messages as they pass', async () => {
    await viewer.goTo('pubsub')
    await sees(viewer.row('Nodes of Weather.PubSub', 'natsu'))
    await viewer.row('Topics of Weather.PubSub', 'sensors').getByRole('button', { name: 'Read sensors' }).click()
    const tail = viewer.page.getByRole('region', { name: 'Messages of sensors' })
    await sees(tail.getByText('celsius').first())
    await viewer.page.getByRole('searchbox', { name: 'Filter messages' }).fill('haru')
    await expect.poll(async () => new Set(await tail.locator('code').allTextContents()), SOON).not.toContain('natsu')
    await viewer.main.getByRole('button', { name: 'Pause' }).click()
    await sees(viewer.main.getByText('paused', { exact: true }))
  })

  it('shows keys and functions of stores, and no value', async () => {
    await viewer.goTo('store')
    await sees(viewer.row(/^Keys of/, 'rates'))
    await sees(viewer.row(/^Functions of/, 'mean'))
    await sees(viewer.page.getByText(/^loader: (aki|haru|natsu)$/))
    expect(await viewer.main.textContent()).not.toContain('ratesrates')
  })

  it('shows text of the cluster as text', async () => {
    for (const panel of ['processes', 'store', `pubsub?topic=${encodeURIComponent(HOSTILE)}`]) {
      await viewer.goTo(panel)
      await sees(viewer.main.getByText(HOSTILE).first())
    }
    const tail = viewer.page.getByRole('region', { name: `Messages of ${HOSTILE}` })
    await sees(tail.locator('code').getByText(HOSTILE).first())
    expect(await viewer.page.locator('img').count()).toBe(0)
  })

  it('acts where the server allows it', async () => {
    await viewer.goTo('links?filter=natsu')
    await viewer.page.getByRole('button', { name: 'Ping natsu from aki' }).click()
    await sees(viewer.page.getByText(/natsu@127\.0\.0\.1 answered/))
  })

  it('is for looking only where it does not', async () => {
    await using other = await Viewer.open(browser, stage.url('natsu'))
    await other.goTo('links')
    await sees(other.row('Links', 'natsu').first())
    await other.goTo('discovery')
    await sees(other.main.getByText('of 2 nodes found').first())
    expect(await other.main.getByRole('button').count()).toBe(0)
    expect(other.complaints).toEqual([])
  })

  it('is used by keys alone', async () => {
    await viewer.goTo('')
    await viewer.page.keyboard.press('5')
    await sees(viewer.main.getByRole('heading', { name: 'Timeline' }))
    await viewer.page.keyboard.press('?')
    await sees(viewer.page.getByRole('dialog', { name: 'Keyboard shortcuts' }))
    await viewer.page.keyboard.press('Escape')
    await viewer.page.keyboard.press('t')
    await sees(viewer.page.locator('html[data-theme=dark]'))
    await viewer.page.keyboard.press('t')
    await sees(viewer.page.locator('html:not([data-theme])'))
    await viewer.page.reload()
    await viewer.page.keyboard.press('Tab')
    await viewer.page.keyboard.press('Enter')
    await sees(viewer.page.locator('main:focus'))
  })

  describe('when a node is killed', () => {
    it('says so, with the reason, and that it is back', async () => {
      await viewer.goTo('timeline')
      await stage.kill('haru')
      await sees(viewer.verdict.filter({ hasText: 'haru@127.0.0.1 is not connected' }))
      await sees(viewer.main.getByText('haru@127.0.0.1 is down').first())
      await sees(viewer.main.getByText('connection_closed').first())
      await viewer.goTo('')
      await sees(viewer.main.getByRole('region', { name: 'Problems' }).getByText('haru@127.0.0.1 is not connected'))
      await sees(viewer.main.getByRole('button', { name: /: haru@127\.0\.0\.1, .*, dialling, 0 links/ }))
      await viewer.goTo('links')
      const failing = viewer.row('Links', 'aki').filter({ hasText: 'haru' })
      await sees(failing.getByText(/ERR_CONNECT_/))
      await sees(failing.getByText(/next dial|dialling/))

      await stage.start('haru')
      await sees(viewer.verdict.filter({ hasText: '3 nodes, fully connected' }))
      await sees(viewer.row('Links', 'aki').filter({ hasText: 'haru' }).getByText('connected', { exact: true }))
      await viewer.page.reload()
      await viewer.goTo('timeline?filter=haru')
      await sees(viewer.main.getByText('haru@127.0.0.1 is down').first())
      await sees(viewer.main.getByText(/haru@127\.0\.0\.1 is up/).first())
    })

    it('says that it was the one that shows the page, and goes on by itself when that is back', async () => {
      await viewer.goTo('nodes')
      await stage.kill('aki')
      await sees(viewer.page.getByRole('alert').filter({ hasText: 'has not answered since' }))
      await sees(viewer.verdict.filter({ hasText: /fully connected, as of \d\d:/ }))
      // What was known stays in sight.
      expect(await viewer.row('Nodes', 'natsu').count()).toBe(1)
      await stage.start('aki')
      await viewer.page.getByRole('alert').waitFor({ state: 'detached' })
      await sees(viewer.verdict.filter({ hasText: '3 nodes, fully connected' }))
    })

    it('shows nothing new while it is paused, and all of it afterwards', async () => {
      await viewer.goTo('timeline')
      await viewer.page.keyboard.press('p')
      await sees(viewer.page.getByText(/^Paused at/))
      await using other = await Viewer.open(browser, stage.url('aki'))
      await other.goTo('')
      await stage.kill('haru')
      await sees(other.verdict.filter({ hasText: 'haru@127.0.0.1 is not connected' }))
      expect(await viewer.verdict.textContent()).toContain('3 nodes, fully connected')
      await viewer.page.getByRole('banner').waitFor()
      await viewer.page.keyboard.press('p')
      await sees(viewer.verdict.filter({ hasText: 'haru@127.0.0.1 is not connected' }))
      await sees(viewer.main.getByText('haru@127.0.0.1 is down').first())
      await stage.start('haru')
      await sees(viewer.verdict.filter({ hasText: '3 nodes, fully connected' }))
    })
  })

  describe('on screens wide and narrow, in both themes', () => {
    const places = [...PANELS, 'nodes/aki%40127.0.0.1', '?view=list', 'matrix?show=rtt', 'pubsub?topic=sensors']
    it.each(places)('is accessible and no wider than the screen: #/%s', async (place) => {
      const screens = [
        { viewport: WIDE, themes: THEMES },
        // Its colours are those of the wide one: once is enough.
        { viewport: PHONE, themes: ['dark'] },
      ] as const
      for (const { viewport, themes } of screens) {
        await viewer.page.setViewportSize(viewport)
        await viewer.goTo(place)
        expect(await viewer.overflow(), `${viewport.width} pixels`).toBeLessThanOrEqual(0)
        for (const colorScheme of themes) {
          await viewer.page.emulateMedia({ colorScheme })
          expect(await viewer.violations(), `${viewport.width} pixels, ${colorScheme}`).toEqual([])
        }
      }
    })
  })

  it('asks its own server only, for no more than 150 kB, and nothing in it is refused', async () => {
    await using fresh = await Viewer.open(browser, stage.url('aki'))
    const sizes: Promise<number>[] = []
    fresh.page.on('requestfinished', (request) => {
      if (!request.url().includes('/api/')) sizes.push(request.sizes().then(({ responseBodySize }) => responseBodySize))
    })
    await fresh.goTo('nodes/aki%40127.0.0.1')
    await sees(fresh.main.locator('.plot canvas').first())
    const total = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
    expect(total).toBeGreaterThan(20_000)
    expect(total).toBeLessThan(150_000)
    expect(fresh.asked.filter((url) => !url.startsWith(stage.url('aki')))).toEqual([])
    expect([...fresh.complaints, ...viewer.complaints]).toEqual([])
  })

  const release = hostRelease()
  const beam = (body: () => void) =>
    release === undefined
      ? describeSkipped('with a node of the BEAM', ['erl'], body)
      : describe('with a node of the BEAM', body)
  beam(() => {
    it('tells it from those of this package by shape and word, and shows what it sees', async () => {
      await using erl = await stage.join('erlang', 'kaze', release as NonNullable<typeof release>)
      await viewer.page.setViewportSize(WIDE)
      await viewer.goTo('')
      const name = new RegExp(`: kaze@127\\.0\\.0\\.1, Erlang · OTP ${erl.otp}, visible, connected`)
      await sees(viewer.main.getByRole('button', { name }).locator('.map-body[data-family=beam] path.shape'))
      await sees(viewer.verdict.filter({ hasText: '4 nodes' }))
      await sees(viewer.page.getByText('3 TypeScript and 1 BEAM'))
      await viewer.goTo('processes?node=kaze%40127.0.0.1')
      await sees(viewer.main.getByText('global_name_server'))
      await viewer.goTo('nodes/kaze%40127.0.0.1')
      await sees(viewer.main.getByText('run queue'))
      expect(await viewer.violations()).toEqual([])
    })
  })
})
