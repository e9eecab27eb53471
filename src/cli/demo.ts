import { Command } from 'commander'
import { systemClock } from '../base/clock.ts'
import { randomCookie } from '../node/cookie.ts'
import { freePort } from './demo/free-port.ts'
import { jsonStage, textStage } from './demo/stage.ts'
import { Story } from './demo/story.ts'
import { onInterrupt } from './interrupt.ts'
import { jsonOption, withExample } from './options.ts'
import type { OutputOptions } from './output.ts'

/** As a shell reports a program that SIGINT ended. */
const INTERRUPTED = 130

/** `tsunagi demo`: a cluster that heals itself, with each step explained. */
export function demoCommand(): Command {
  const command = new Command('demo')
    .description('Show a cluster of three processes that heals itself, and with Erlang installed a fourth.')
    .option('--once', 'run through once and end, as it does anyway')
    .addOption(jsonOption('print the steps as lines of JSON'))
    .action(demo)
  return withExample(command, 'tsunagi demo')
}

async function demo({ json }: OutputOptions): Promise<void> {
  const interrupt = onInterrupt()
  const stage = json === true ? jsonStage() : textStage()
  // A port of its own, so that nothing on this machine is in the way, nor it in anything's.
  const options = { cookie: randomCookie(), epmdPort: await freePort(), signal: interrupt.signal }
  const story = new Story(stage, options)
  const began = systemClock.now()
  try {
    await story.tell()
    const seconds = ((systemClock.now() - began) / 1000).toFixed(1)
    stage.note(`Done in ${seconds} s. Start nodes of your own with: tsunagi start --help`)
  } catch (error) {
    if (!interrupt.signal.aborted) throw error
    process.exitCode = INTERRUPTED
  } finally {
    // From here on Ctrl-C would leave processes behind.
    await story.end()
    interrupt.release()
  }
}
