import type { Observatory, Update } from '../../src/observe/observatory.ts'
import type { SectionName } from '../../src/observe/view.ts'

/** Resolves with what `look` finds, as soon as the observatory shows it. */
export async function shows<T>(
  observatory: Observatory,
  look: () => T | undefined | false,
  sections?: readonly SectionName[],
): Promise<T> {
  return await new Promise((resolve, reject) => {
    const check = (): void => {
      try {
        const found = look()
        if (found === undefined || found === false) return
        stop()
        resolve(found)
      } catch (error) {
        stop()
        reject(error)
      }
    }
    const stop = observatory.follow(check, sections)
    queueMicrotask(check)
  })
}

/** Everything an observatory tells from now on. */
export function updates(observatory: Observatory, sections?: readonly SectionName[]): Update[] & { stop(): void } {
  const all: Update[] = []
  const stop = observatory.follow((update) => all.push(update), sections)
  return Object.assign(all, { stop })
}
