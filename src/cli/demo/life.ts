import { pause } from '../pause.ts'
import type { Cast } from './cast.ts'
import type { MemberProcess } from './member-process.ts'
import { type Story, temperatures } from './story.ts'

/** How often the line of what goes on is new, ms. */
const EVERY = 1000

/** How long a node that was killed stays away, ms: time to see it missing. */
const AWAY = 3000

/**
 * After the story: temperatures flow, and a node that somebody kills is started again, until the demo is interrupted.
 *
 * @throws the signal's reason
 */
export async function live(cast: Cast, story: Story, members: readonly MemberProcess[]): Promise<never> {
  const { signal } = cast.options
  const running = new Map(members.map((member) => [member.name, member]))
  const keep = async (member: MemberProcess): Promise<never> => {
    for (let one = member; ; ) {
      await Promise.race([one.exited, whenAborted(signal)])
      cast.forget(one)
      cast.stage.note(`${one.name} is gone (${one.end}), and comes back in ${AWAY / 1000} s`)
      await pause(AWAY, signal)
      one = await story.start(one.name)
      running.set(one.name, one)
      await story.join(one)
      cast.stage.say(one.name, `connected to ${[...one.connected].join(', ')}`)
    }
  }
  const show = async (): Promise<never> => {
    for (;;) {
      const [first] = running.values()
      if (first !== undefined) cast.stage.now(`${temperatures(first)}   (Ctrl-C ends)`)
      await pause(EVERY, signal)
    }
  }
  return await Promise.race([show(), ...members.map(keep)])
}

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
