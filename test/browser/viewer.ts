import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
import type { AxeResults } from 'axe-core'
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright-core'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Milliseconds. For what hangs. */
const PATIENCE = 45_000

export const PANELS = ['', 'nodes', 'links', 'matrix', 'timeline', 'discovery', 'processes', 'pubsub', 'store'] as const

export const WIDE = { width: 1280, height: 800 }
export const PHONE = { width: 360, height: 740 }
export const THEMES = ['light', 'dark'] as const

function pathOf(program: string): string {
  const places = (process.env.PATH ?? '').split(delimiter).map((directory) => join(directory, program))
  return places.find(existsSync) ?? program
}

/** Debian's browser. */
export async function launchBrowser(): Promise<Browser> {
  // The superuser's browser has no sandbox, and a container's /dev/shm is small.
  return await chromium.launch({
    executablePath: pathOf('chromium'),
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
  })
}

/** Somebody who looks at a dashboard, and what went wrong for them. */
export class Viewer implements AsyncDisposable {
  readonly page: Page
  /** What the browser complained of: errors of scripts, of the content security policy, dialogs. */
  readonly complaints: string[] = []
  /** Addresses that were asked for. */
  readonly asked: string[] = []
  readonly #url: string
  readonly #context: BrowserContext

  private constructor(context: BrowserContext, page: Page, url: string) {
    this.#context = context
    this.page = page
    this.#url = url
    page.setDefaultTimeout(PATIENCE)
    page.on('pageerror', (error) => this.complaints.push(error.message))
    page.on('console', (message) => {
      // That a server that was killed does not answer is no fault of the page.
      if (message.type() === 'error' && !message.text().includes('net::ERR_')) this.complaints.push(message.text())
    })
    page.on('dialog', (dialog) => {
      this.complaints.push(`dialog: ${dialog.message()}`)
      void dialog.dismiss()
    })
    page.on('request', (request) => this.asked.push(request.url()))
  }

  static async open(browser: Browser, url: string, viewport = WIDE): Promise<Viewer> {
    const context = await browser.newContext({ viewport, colorScheme: 'light', reducedMotion: 'reduce' })
    return new Viewer(context, await context.newPage(), url)
  }

  /** Goes to a panel by its address, and waits until it shows something. */
  async goTo(hash: string): Promise<void> {
    await this.page.goto(`${this.#url}#/${hash}`)
    await this.page.getByRole('heading', { level: 1 }).waitFor()
    await this.page.locator('main h2').first().waitFor()
  }

  /** The sentence above all. */
  get verdict(): Locator {
    return this.page.getByRole('heading', { level: 1 })
  }

  get main(): Locator {
    return this.page.getByRole('main')
  }

  /** A row of a table, by what its first cell says. */
  row(table: string | RegExp, name: string | RegExp): Locator {
    return this.page
      .getByRole('table', { name: table })
      .getByRole('row')
      .filter({ has: this.page.getByRole('rowheader', { name }) })
  }

  /** What axe-core has against the page as it is, in a line each. */
  async violations(): Promise<string[]> {
    // Evaluated by the browser's tools, which the page's policy does not bind.
    if (!(await this.page.evaluate(() => 'axe' in globalThis))) await this.page.evaluate(axe)
    const { violations } = await this.page.evaluate(async () => {
      const { axe } = globalThis as unknown as { axe: { run(options: object): Promise<AxeResults> } }
      return await axe.run({ resultTypes: ['violations'] })
    })
    return violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html, any }) => `${html} ${any[0]?.message ?? ''}`).join(' | ')}`,
    )
  }

  /** Pixels by which the page is wider than the screen. */
  async overflow(): Promise<number> {
    return await this.page.evaluate<number>(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.close()
  }
}
