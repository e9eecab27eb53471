import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import type { Action, ActionResult } from '../../../src/observe/observatory.ts'
import { act } from '../feed/requests.ts'
import { useSection } from '../feed/use-feed.ts'
import { tell } from '../shell/notices.tsx'

interface ActionButtonProps {
  readonly action: Action
  /** The whole of what it does, for those who hear it out of its row: `Disconnect natsu@host`. */
  readonly label: string
  /** A question to be answered first. */
  readonly confirm?: string
  readonly children: ComponentChildren
}

/** Does something to the cluster; there only where the server allows it. */
export function ActionButton({ action, label, confirm, children }: ActionButtonProps) {
  const allowed = useSection('overview')?.actions === true
  const [busy, setBusy] = useState(false)
  if (!allowed) return null
  const run = async () => {
    if (confirm !== undefined && !window.confirm(confirm)) return
    setBusy(true)
    const result: ActionResult = await act(action)
    setBusy(false)
    tell(result.ok ? 'good' : 'bad', result.text)
  }
  return (
    <button
      type="button"
      class={confirm === undefined ? 'button small' : 'button small danger'}
      aria-label={label}
      disabled={busy}
      onClick={() => void run()}
    >
      {children}
    </button>
  )
}
