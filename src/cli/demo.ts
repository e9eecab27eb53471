import { systemClock } from '../base/clock.ts'
import { randomCookie } from '../node/cookie.ts'
import type { DEMOS } from './commands/demo.ts'
import { hasScreen, openBrowser } from './demo/browser.ts'
import { Cast } from './demo/cast.ts'
import { freePort } from './demo/free-port.ts'
import { live } from './demo/life.ts'
import { jsonStage, type Stage, textStage } from './demo/stage.ts'
import { StoreStory } from './demo/store-story.ts'
import { Story } from './demo/story.ts'
import { onInterrupt } from './interrupt.ts'
import type { OutputOptions } from './output.ts'
import { pause } from './pause.ts'

/** As a shell reports a program that SIGINT ended. */
const INTERRUPTED = 130

/** Where the dashboard is, if the port is free. */
const DASHBOARD_PORT = 4040

interface DemoOptions extends OutputOptions {
  readonly once?: boolean
  readonly open: boolean
}

/** Tells a story, and leaves its cluster running until it is interrupted. */
export async function demo(what: (typeof DEMOS)[number], options: DemoOptions): Promise<void> {
  const interrupt = onInterrupt()
  const { signal } = interrupt
  const stage = options.json === true ? jsonStage() : textStage()
  // A port of its own, so that nothing on this machine is in the way, nor it in anything's.
  const cast = new Cast(stage, { cookie: randomCookie(), epmdPort: await freePort(), signal })
  const began = systemClock.now()
  const done = (): void => {
    const seconds = ((systemClock.now() - began) / 1000).toFixed(1)
    stage.note(`Done in ${seconds} s. Start nodes of your own with: tsunagi start --help`)
  }
  let told = false
  try {
    if (what === 'store') {
      await new StoreStory(cast).tell()
      done()
      return
    }
    const story = new Story(cast, await freePort(DASHBOARD_PORT), (url) => show(url, stage, options, signal))
    const members = await story.tell()
    told = true
    done()
    if (options.once === true) return
    stage.note(`It goes on until Ctrl-C. Kill one yourself: kill -9 ${members.at(-1)?.pid}`)
    await live(cast, story, members)
  } catch (error) {
    if (!signal.aborted) throw error
    if (!told) process.exitCode = INTERRUPTED
  } finally {
    // From here on Ctrl-C would leave processes behind.
    await cast.end()
    interrupt.release()
  }
}

/** Says where the dashboard is, and opens it where there is a screen. */
async function show(url: string, stage: Stage, { open, once }: DemoOptions, signal: AbortSignal): Promise<void> {
  stage.note(`See it all, live: ${url}`)
  if (!open || once === true || !hasScreen()) return
  // A moment to find the window that comes up.
  if (await openBrowser(url)) await pause(3000, signal)
}
