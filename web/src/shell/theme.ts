/** `system` follows the system. */
export type Theme = 'system' | 'light' | 'dark'

const KEY = 'tsunagi.theme'
const dark = matchMedia('(prefers-color-scheme: dark)')

/** Storage may be forbidden, and then nothing is kept. */
function stored(): Theme {
  try {
    const value = localStorage.getItem(KEY)
    return value === 'light' || value === 'dark' ? value : 'system'
  } catch {
    return 'system'
  }
}

/** What is shown now. */
export function currentTheme(): 'light' | 'dark' {
  const theme = stored()
  return theme === 'system' ? (dark.matches ? 'dark' : 'light') : theme
}

/** To be called before the first paint, so that none is in the wrong colours. */
export function applyTheme(): void {
  const theme = stored()
  if (theme === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
}

/** The other one. Whoever comes back to what the system says follows the system again. */
export function toggleTheme(): void {
  const next = currentTheme() === 'dark' ? 'light' : 'dark'
  try {
    if ((next === 'dark') === dark.matches) localStorage.removeItem(KEY)
    else localStorage.setItem(KEY, next)
  } catch {
    document.documentElement.dataset.theme = next
    changed()
    return
  }
  applyTheme()
  changed()
}

const listeners = new Set<() => void>()

function changed(): void {
  for (const listener of listeners) listener()
}

dark.addEventListener('change', changed)

/** Tells of each change, also by the system; charts draw with colours that they have to ask for. */
export function followTheme(listener: () => void): () => void {
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
  }
}
