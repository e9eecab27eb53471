/**
 * Takes the pictures of the documentation, of a cluster that lives: `npm run screenshots`, after `npm run build`. Needs
 * Chromium, Erlang and Elixir; looks best with the fonts Inter and JetBrains Mono, and takes less room with pngquant.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { hostRelease } from '../support/releases.ts'
import { hasTool } from '../support/tools.ts'
import { Stage } from './stage.ts'
import { launchBrowser, PHONE, THEMES, WIDE } from './viewer.ts'

const folder = fileURLToPath(new URL('../../docs/images/', import.meta.url))

/** Milliseconds: charts have something to show by then. */
const LIVES = Number(process.env.TSUNAGI_SCREENSHOTS_AFTER ?? 420_000)
/** What is drawn has come to rest by then. */
const SETTLES = 2_500

const PICTURES = [
  { name: 'dashboard', hash: '' },
  { name: 'node', hash: 'nodes/natsu%40127.0.0.1' },
  { name: 'links', hash: 'links' },
  { name: 'matrix', hash: 'matrix?show=rtt' },
  { name: 'timeline', hash: 'timeline' },
  { name: 'discovery', hash: 'discovery' },
  { name: 'processes', hash: 'processes' },
  { name: 'pubsub', hash: 'pubsub?topic=sensors' },
  { name: 'store', hash: 'store' },
] as const

async function pause(milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds))
}

async function take(page: Page, name: string): Promise<void> {
  const path = `${folder}${name}.png`
  await page.screenshot({ path })
  // 256 colours are enough for a page that has a dozen, and take a third of the room.
  if (hasTool('pngquant'))
    execFileSync('pngquant', ['--force', '--ext', '.png', '--quality', '80-100', '--strip', path])
  process.stdout.write(`${name}.png ${Math.round(statSync(path).size / 1000)} kB\n`)
}

const release = hostRelease()
if (release?.elixir === undefined) throw new Error('there is no Elixir on this machine: run scripts/otp-setup.sh')
mkdirSync(folder, { recursive: true })
await using stage = await Stage.open({
  members: ['aki', 'haru', 'natsu', 'fuyu'],
  dashboards: { aki: {} },
  texts: [],
  visible: ['fuyu'],
  loads: [
    { from: 'haru', to: 'natsu', bytes: 60_000 },
    { from: 'fuyu', to: 'aki', bytes: 4_000 },
  ],
})
await stage.join('elixir', 'sakura', release)
await stage.join('erlang', 'kaze', release)
await pause(LIVES / 2)
await stage.kill('haru')
await pause(5_000)
await stage.start('haru')
await pause(LIVES / 2)

const browser = await launchBrowser()
for (const colorScheme of THEMES) {
  // One of the dark ones is enough to see how they look.
  const pictures = colorScheme === 'light' ? PICTURES : PICTURES.slice(0, 1)
  const page = await browser.newPage({ viewport: WIDE, deviceScaleFactor: 2, colorScheme, reducedMotion: 'reduce' })
  for (const { name, hash } of pictures) {
    await page.goto(`${stage.url('aki')}#/${hash}`)
    await pause(SETTLES)
    await take(page, colorScheme === 'light' ? name : `${name}-dark`)
  }
  const painted = await page.evaluate<number>('performance.getEntriesByName("first-contentful-paint")[0]?.startTime')
  process.stdout.write(`${colorScheme}: first paint after ${Math.round(painted)} ms\n`)
  await page.close()
}
const phone = await browser.newPage({
  viewport: PHONE,
  deviceScaleFactor: 2,
  colorScheme: 'dark',
  reducedMotion: 'reduce',
})
await phone.goto(stage.url('aki'))
await pause(SETTLES)
await take(phone, 'phone')
await browser.close()
