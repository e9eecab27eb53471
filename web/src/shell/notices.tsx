import { useEffect, useState } from 'preact/hooks'

interface Notice {
  readonly id: number
  readonly level: 'good' | 'bad'
  readonly text: string
}

/** Milliseconds. What went wrong stays until it is closed. */
const STAYS = 6_000

let notices: readonly Notice[] = []
let made = 0
const listeners = new Set<(notices: readonly Notice[]) => void>()

function change(next: readonly Notice[]): void {
  notices = next.slice(-4)
  for (const listener of listeners) listener(notices)
}

function dismiss(id: number): void {
  change(notices.filter((notice) => notice.id !== id))
}

/** Says what came of an action. */
export function tell(level: Notice['level'], text: string): void {
  const id = ++made
  change([...notices, { id, level, text }])
  if (level === 'good') setTimeout(() => dismiss(id), STAYS)
}

export function Notices() {
  const [shown, setShown] = useState(notices)
  useEffect(() => {
    listeners.add(setShown)
    return () => {
      listeners.delete(setShown)
    }
  }, [])
  return (
    <div class="notices" role="status">
      {shown.map(({ id, level, text }) => (
        <p key={id} class="notice" data-level={level}>
          <span class="wrap-anywhere">{text}</span>
          <button type="button" class="button small" onClick={() => dismiss(id)}>
            Close
          </button>
        </p>
      ))}
    </div>
  )
}
