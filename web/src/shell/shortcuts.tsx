import { useEffect, useRef, useState } from 'preact/hooks'
import { hrefOf } from '../route/route.ts'
import { PANELS } from './panels.ts'
import { toggleTheme } from './theme.ts'
import { togglePause } from './tools.tsx'

const KEY = 'tsunagi.shortcuts'

function storedOn(): boolean {
  try {
    return localStorage.getItem(KEY) !== 'off'
  } catch {
    return true
  }
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
}

interface ShortcutsProps {
  readonly open: boolean
  readonly onOpen: () => void
  readonly onClose: () => void
}

/** Keys for the whole page, and the list of them. Single keys can be turned off: speech input types them by accident. */
export function Shortcuts({ open, onOpen, onClose }: ShortcutsProps) {
  const [on, setOn] = useState(storedOn)
  const dialog = useRef<HTMLDialogElement>(null)

  useEffect(() => {
    if (open && dialog.current?.open === false) dialog.current.showModal()
    if (!open && dialog.current?.open === true) dialog.current.close()
  }, [open])

  useEffect(() => {
    if (!on) return undefined
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
      if (dialog.current?.open === true) return
      if (press(event.key, onOpen)) event.preventDefault()
    }
    addEventListener('keydown', onKeyDown)
    return () => removeEventListener('keydown', onKeyDown)
  }, [on, onOpen])

  const change = (next: boolean) => {
    setOn(next)
    try {
      localStorage.setItem(KEY, next ? 'on' : 'off')
    } catch {
      // Then it holds for this page alone.
    }
  }

  return (
    <dialog ref={dialog} aria-labelledby="shortcuts-title" onClose={onClose}>
      <h2 id="shortcuts-title">Keyboard shortcuts</h2>
      <dl class="keys">
        {PANELS.map(({ id, title }, index) => (
          <Keys key={id} keys={[String(index + 1)]} meaning={title} />
        ))}
        <Keys keys={['/']} meaning="Filter what the panel shows" />
        <Keys keys={['p']} meaning="Pause and resume" />
        <Keys keys={['t']} meaning="Light and dark" />
        <Keys keys={['?']} meaning="This list" />
      </dl>
      <p class="check">
        <input
          id="shortcuts-on"
          type="checkbox"
          checked={on}
          onChange={(event) => change(event.currentTarget.checked)}
        />
        <label for="shortcuts-on">Single keys do something</label>
      </p>
      <p>
        <button type="button" class="button" onClick={onClose}>
          Close
        </button>
      </p>
    </dialog>
  )
}

function Keys({ keys, meaning }: { readonly keys: readonly string[]; readonly meaning: string }) {
  return (
    <>
      <dt>
        {keys.map((key) => (
          <kbd key={key}>{key}</kbd>
        ))}
      </dt>
      <dd>{meaning}</dd>
    </>
  )
}

/** Whether the key means something. */
function press(key: string, onHelp: () => void): boolean {
  const panel = /^[1-9]$/.test(key) ? PANELS[Number(key) - 1] : undefined
  if (panel !== undefined) location.hash = hrefOf(panel.id)
  else if (key === '/') document.querySelector<HTMLElement>('main input[type="search"]')?.focus()
  else if (key === 'p') togglePause()
  else if (key === 't') toggleTheme()
  else if (key === '?') onHelp()
  else return false
  return true
}
