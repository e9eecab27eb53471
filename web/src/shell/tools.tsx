import { useEffect, useReducer } from 'preact/hooks'
import { feed } from '../feed/feed.ts'
import { useFeedState } from '../feed/use-feed.ts'
import { KeyboardIcon, MoonIcon, PauseIcon, PlayIcon, SunIcon } from '../ui/icons.tsx'
import { currentTheme, followTheme, toggleTheme } from './theme.ts'

/** Stops and goes on. */
export function togglePause(): void {
  if (feed.state === 'paused') feed.resume()
  else feed.pause()
}

/** What is for the whole page: pause, theme, keys. */
export function Tools({ onHelp }: { readonly onHelp: () => void }) {
  const paused = useFeedState() === 'paused'
  const [, render] = useReducer((count: number, _: undefined) => count + 1, 0)
  useEffect(() => followTheme(() => render(undefined)), [])
  const other = currentTheme() === 'dark' ? 'light' : 'dark'
  return (
    <div class="tools">
      <button
        type="button"
        class="button icon"
        aria-label={paused ? 'Resume' : 'Pause'}
        title={paused ? 'Resume (p)' : 'Pause (p)'}
        onClick={togglePause}
      >
        {paused ? <PlayIcon /> : <PauseIcon />}
      </button>
      <button
        type="button"
        class="button icon"
        aria-label={`Use the ${other} theme`}
        title={`Use the ${other} theme (t)`}
        onClick={toggleTheme}
      >
        {other === 'light' ? <SunIcon /> : <MoonIcon />}
      </button>
      <button
        type="button"
        class="button icon"
        aria-label="Keyboard shortcuts"
        title="Keyboard shortcuts (?)"
        onClick={onHelp}
      >
        <KeyboardIcon />
      </button>
    </div>
  )
}
