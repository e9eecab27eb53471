import type { ComponentChildren } from 'preact'
import { useId, useRef } from 'preact/hooks'
import { formatCount } from './format.ts'

interface TabsProps {
  readonly label: string
  readonly value: string
  readonly tabs: readonly { readonly value: string; readonly label: string; readonly count?: number }[]
  readonly onChange: (value: string) => void
  /** The panel of the tab that is chosen. */
  readonly children: ComponentChildren
}

/** Tabs by the pattern of ARIA: one stop for the Tab key, arrows, Home and End choose. */
export function Tabs({ label, value, tabs, onChange, children }: TabsProps) {
  const list = useRef<HTMLDivElement>(null)
  const id = useId()

  const onKeyDown = (event: KeyboardEvent) => {
    const index = tabs.findIndex((tab) => tab.value === value)
    const last = tabs.length - 1
    const next = {
      ArrowRight: index === last ? 0 : index + 1,
      ArrowLeft: index <= 0 ? last : index - 1,
      Home: 0,
      End: last,
    }[event.key]
    const tab = next === undefined ? undefined : tabs[next]
    if (next === undefined || tab === undefined) return
    event.preventDefault()
    onChange(tab.value)
    list.current?.querySelectorAll('button')[next]?.focus()
  }

  return (
    <>
      <div class="tabs" role="tablist" aria-label={label} ref={list} onKeyDown={onKeyDown}>
        {tabs.map((tab) => {
          const chosen = tab.value === value
          return (
            <button
              key={tab.value}
              type="button"
              role="tab"
              id={`${id}-${tab.value}`}
              aria-selected={chosen}
              aria-controls={`${id}-panel`}
              tabIndex={chosen ? 0 : -1}
              title={tab.value}
              onClick={() => onChange(tab.value)}
            >
              {tab.label}
              {tab.count !== undefined && <span class="count">{formatCount(tab.count)}</span>}
            </button>
          )
        })}
      </div>
      <div class="tab-panel" role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${value}`}>
        {children}
      </div>
    </>
  )
}
