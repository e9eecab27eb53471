import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { useSection } from './feed/use-feed.ts'
import { useRoute } from './route/route.ts'
import { Banner } from './shell/banner.tsx'
import { Notices } from './shell/notices.tsx'
import { panelOf } from './shell/panels.ts'
import { Rail } from './shell/rail.tsx'
import { Shortcuts } from './shell/shortcuts.tsx'
import { Tools } from './shell/tools.tsx'
import { Verdict } from './shell/verdict.tsx'
import { shortName } from './ui/format.ts'

/** The page: a rail with the panels, the verdict above, one panel below. */
export function App() {
  const route = useRoute()
  const panel = panelOf(route.panel)
  const self = useSection('overview')?.self
  const [help, setHelp] = useState(false)
  const main = useRef<HTMLElement>(null)
  const openHelp = useCallback(() => setHelp(true), [])
  const closeHelp = useCallback(() => setHelp(false), [])

  useEffect(() => {
    const words = [route.item, panel.title, self === undefined ? undefined : shortName(self), 'Tsunagi']
    document.title = words.filter((word) => word !== undefined).join(' · ')
  }, [route.item, panel, self])

  // Whoever follows a link reads on in what it leads to; not at the start, when nobody followed one.
  const place = `${panel.id}/${route.item ?? ''}`
  const shown = useRef(place)
  useEffect(() => {
    if (shown.current === place) return
    shown.current = place
    main.current?.focus({ preventScroll: true })
    scrollTo(0, 0)
  }, [place])

  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the panel
      </button>
      <div class="shell">
        <Rail current={panel} />
        <div class="stage">
          <section class="head" aria-label="Verdict">
            <Verdict />
            <Tools onHelp={openHelp} />
          </section>
          <Banner />
          <main id="main" ref={main} tabIndex={-1} aria-label={panel.title}>
            <panel.View key={place} />
          </main>
        </div>
      </div>
      <Notices />
      <Shortcuts open={help} onOpen={openHelp} onClose={closeHelp} />
    </>
  )
}
