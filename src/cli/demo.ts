import { systemClock } from '../base/clock.ts'
import { randomCookie } from '../node/cookie.ts'
import { Cast } from './demo/cast.ts'
import { freePort } from './demo/free-port.ts'
import { jsonStage, textStage } from './demo/stage.ts'
import { StoreStory } from './demo/store-story.ts'
import { Story } from './demo/story.ts'
import { onInterrupt } from './interrupt.ts'
import type { OutputOptions } from './output.ts'

/** As a shell reports a program that SIGINT ended. */
const INTERRUPTED = 130

const STORIES = { cluster: Story, store: StoreStory }

/** Tells a story. */
export async function demo(what: keyof typeof STORIES, { json }: OutputOptions): Promise<void> {
  const interrupt = onInterrupt()
  const stage = json === true ? jsonStage() : textStage()
  // A port of its own, so that nothing on this machine is in the way, nor it in anything's.
  const options = { cookie: randomCookie(), epmdPort: await freePort(), signal: interrupt.signal }
  const cast = new Cast(stage, options)
  const began = systemClock.now()
  try {
    await new STORIES[what](cast).tell()
    const seconds = ((systemClock.now() - began) / 1000).toFixed(1)
    stage.note(`Done in ${seconds} s. Start nodes of your own with: tsunagi start --help`)
  } catch (error) {
    if (!interrupt.signal.aborted) throw error
    process.exitCode = INTERRUPTED
  } finally {
    // From here on Ctrl-C would leave processes behind.
    await cast.end()
    interrupt.release()
  }
}
